import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { SCORES_OUT } from '../../dataset/scores/scoresOut.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { withDefault } from '../../options/option.ts'
import { boolean, globs, integer, list, number, text } from '../../options/schemas.ts'
import { DEFAULT_MAX_DIST_M } from '../ranker.ts'

const TOP_MAX = 10_000
const THREADS_MAX = 256

/** What is ranked for whom. */
export const TOP = {
  /** How many restaurants a list holds at most. */
  top: {
    schema: integer(1, TOP_MAX),
    required: true as const,
    flag: '--top <n>',
    help: 'rank all restaurants for each user, keep the best n',
  },
  /** Only restaurants within reach of the place of a row; default false: wherever they are. */
  near: withDefault({
    schema: boolean(),
    default: false,
    flag: '--near',
    help: 'only those within --max-dist of the place of a row',
  }),
  /** Great-circle metres of `near`; default 5000. */
  maxDistM: withDefault({
    schema: number(0, 1e9),
    default: DEFAULT_MAX_DIST_M,
    flag: '--max-dist <metres>',
    help: 'how far they may be, default 5000',
  }),
  /** Columns of the place; default those of the restaurants' place. */
  placeColumns: {
    schema: list(text(), 2, 'the names of two columns, of latitude and longitude'),
    flag: '--place-columns <names>',
    help: 'columns of the place; default latitude,longitude',
  },
}

/** Which users; beside what `TOP` says. */
export const TOP_USERS = {
  /** Globs of the files with the users, relative to the data; default the users' table. */
  files: { schema: globs() },
  /** Default: every core. */
  threads: { schema: integer(1, THREADS_MAX) },
}

/** Every option of `scoreTop` that is plain data. */
export const TOP_OPTIONS = {
  ...DATA_OPTION,
  ...MODEL_OPTION,
  ...SCORES_OUT,
  ...TOP,
  ...TOP_USERS,
  ...optionsReading(),
}
