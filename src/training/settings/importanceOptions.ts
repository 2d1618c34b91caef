import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { withDefault } from '../../options/option.ts'
import { boolean, integer } from '../../options/schemas.ts'
import { EVALUATE_RUN } from './evaluateOptions.ts'

/** What `importance` measures on, and where it writes. */
export const IMPORTANCE = {
  /** Test clicks to use at most, drawn at random; default 500,000. */
  rows: withDefault({
    schema: integer(1, 4_294_967_295),
    default: 500_000,
    flag: '--rows <n>',
    help: 'test clicks to use, drawn at random; default 500000',
  }),
  /** Of the rows that are drawn and of the rows that their values come from; default 1. */
  seed: withDefault({
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    default: 1,
    flag: '--seed <n>',
    help: 'of the random numbers, default 1',
  }),
  /** Whether the reports of the model get the result, too; default true. */
  report: withDefault({
    schema: boolean(),
    default: true,
    flag: '--no-report',
    help: 'leave the reports in the model folder as they are',
  }),
}

/** Every option of `importance` that is plain data. */
export const IMPORTANCE_OPTIONS = {
  ...DATA_OPTION,
  ...MODEL_OPTION,
  ...IMPORTANCE,
  ...EVALUATE_RUN,
  ...optionsReading('test'),
}
