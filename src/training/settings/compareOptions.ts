import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { list, text } from '../../options/schemas.ts'
import type { OptionTable } from '../../options/option.ts'
import { EVALUATE, EVALUATE_RUN } from './evaluateOptions.ts'

const MODELS_MAX = 10

/** Which models `compare` compares. */
export const COMPARE = {
  /** Model directories; each is compared with the first. */
  models: {
    schema: {
      ...list(text(), MODELS_MAX, `2 to ${MODELS_MAX} different model folders, such as model,new`),
      minItems: 2,
      uniqueItems: true,
    },
    required: true,
    flag: '--models <dirs>',
    help: 'two model folders or more, such as model,new (required)',
  },
} satisfies OptionTable

/** Every option of `compare` that is plain data. */
export const COMPARE_OPTIONS = {
  ...DATA_OPTION,
  ...COMPARE,
  ...EVALUATE,
  ...EVALUATE_RUN,
  ...optionsReading('test'),
}
