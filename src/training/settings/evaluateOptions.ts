import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { RUN } from './runOptions.ts'

/** How `evaluate` runs. */
export const EVALUATE_RUN = { threads: RUN.threads, maxMemoryBytes: RUN.maxMemoryBytes }

/** Every option of `evaluate` that is plain data. */
export const EVALUATE_OPTIONS = {
  ...DATA_OPTION,
  ...MODEL_OPTION,
  ...EVALUATE_RUN,
  ...optionsReading('test'),
}
