import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import type { OptionTable } from '../../options/option.ts'
import { texts } from '../../options/schemas.ts'
import { RUN } from './runOptions.ts'

const SLICES_MAX = 4

/** How `evaluate` runs. */
export const EVALUATE_RUN = { threads: RUN.threads, maxMemoryBytes: RUN.maxMemoryBytes }

/** What else `evaluate` measures. */
export const EVALUATE = {
  /** Features by the values of which the test clicks are measured, too; at most 4. */
  slices: {
    schema: texts(SLICES_MAX),
    flag: '--slices <names>',
    help: 'device,price_level: measures the rows of each value, too',
  },
} satisfies OptionTable

/** Every option of `evaluate` that is plain data. */
export const EVALUATE_OPTIONS = {
  ...DATA_OPTION,
  ...MODEL_OPTION,
  ...EVALUATE,
  ...EVALUATE_RUN,
  ...optionsReading('test'),
}
