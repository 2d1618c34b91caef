import type { OptionTable } from '../options/option.ts'
import { text } from '../options/schemas.ts'

/** The directory of a saved model. */
export const MODEL_OPTION = {
  model: { schema: text(), required: true, flag: '--model <dir>', help: 'model folder (required)' },
} satisfies OptionTable
