import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { SCORES_OUT } from '../../dataset/scores/scoresOut.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { withDefault } from '../../options/option.ts'
import { globs, texts } from '../../options/schemas.ts'
import { EVALUATE_RUN } from './evaluateOptions.ts'
import { RUN } from './runOptions.ts'

/** Which rows to score, and what goes beside the score. */
export const SCORE = {
  /** Globs of the files with the rows to score, relative to the data; default all below test/. */
  files: withDefault({
    schema: globs(),
    default: 'test/**/*.parquet',
    flag: '--files <glob>',
    help: 'rows to score, default test/**/*.parquet; repeatable',
  }),
  /** Columns of the files to copy beside ids and score; default none. */
  copyColumns: {
    schema: texts(),
    flag: '--copy-columns <names>',
    help: 'columns to copy beside ids and score',
  },
}

/** How `score` runs. */
export const SCORE_RUN = { ...EVALUATE_RUN, turbo: RUN.turbo, kernels: RUN.kernels }

/** Every option of `score` that is plain data. */
export const SCORE_OPTIONS = {
  ...DATA_OPTION,
  ...MODEL_OPTION,
  ...SCORES_OUT,
  ...SCORE,
  ...SCORE_RUN,
  ...optionsReading(),
}
