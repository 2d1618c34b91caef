import {
  type DefaultedOption,
  defaultsOf,
  group,
  type Option,
  type OptionTable,
  type OptionValues,
} from '../options/option.ts'
import { DeclarationSchema } from '../features/declaration.ts'
import type { FeaturesOf } from '../features/featureSpec.ts'
import { globs, instant, number, oneOf, text, texts } from '../options/schemas.ts'

export type Split = 'train' | 'validation' | 'test'

const LABEL_MAX = 1e15 // of a threshold: far below the integers that a float64 rounds

/** An option of a data set; `clicks`: it concerns only who reads the clicks of these splits. */
interface DatasetOption extends Option {
  clicks?: readonly Split[]
}

/** The names of the columns that are no features. */
export const COLUMNS = {
  /** Of the users' table and of the clicks. */
  userId: {
    schema: text(),
    default: 'user_id',
    flag: '--user-id-column <name>',
    term: '--user-id-column, --restaurant-id-column',
    help: 'default user_id, restaurant_id',
  },
  /** Of the restaurants' table and of the clicks. */
  restaurantId: { schema: text(), default: 'restaurant_id', flag: '--restaurant-id-column <name>' },
  /** 0 or 1. */
  click: {
    schema: text(),
    default: 'click',
    flag: '--click-column <name>',
    help: 'default click',
    clicks: ['train', 'test'],
  },
  /** Degrees, of the restaurants' table. */
  latitude: {
    schema: text(),
    default: 'latitude',
    flag: '--latitude-column <name>',
    term: '--latitude-column, --longitude-column',
    help: 'default latitude, longitude',
  },
  /** Degrees, of the restaurants' table. */
  longitude: { schema: text(), default: 'longitude', flag: '--longitude-column <name>' },
} satisfies Record<string, DatasetOption & DefaultedOption>

export interface ColumnNames extends OptionValues<typeof COLUMNS> {}

export const DEFAULT_COLUMNS: ColumnNames = defaultsOf(COLUMNS)

/** The folder of a data set. */
export const DATA_OPTION = {
  data: {
    schema: text(),
    required: true,
    flag: '--data <dir>',
    help: 'folder with the Parquet files (required)',
  },
} satisfies Record<string, DatasetOption>

/** What to do about rows that cannot be used as they are. */
export const POLICIES = {
  /**
   * What to do with a click without an id, a label, a weight or features, and with a row of a feature table
   * without an id; default fail.
   */
  onMissing: {
    schema: oneOf('fail', 'drop'),
    flag: '--on-missing <what>',
    term: '--on-missing, --on-bad-place <what>',
    help: 'no id, label, features or place: fail (default) or drop',
  },
  /** What to do with a restaurant without a valid place, and with its clicks; default fail. */
  onBadPlace: { schema: oneOf('fail', 'drop'), flag: '--on-bad-place <what>' },
  /** Which row of a feature table to use for an id that has several; default fail. */
  onDuplicate: {
    schema: oneOf('fail', 'first', 'last'),
    flag: '--on-duplicate <what>',
    help: 'an id in two feature rows: fail (default), first or last',
  },
  /** A label of at least this is a click; default: labels are 0 or 1. */
  clickThreshold: {
    schema: number(-LABEL_MAX, LABEL_MAX),
    flag: '--click-threshold <x>',
    help: 'labels are ratings, and clicks from this one on',
    clicks: ['train', 'test'],
  },
} satisfies Record<string, DatasetOption>

/** Which files of the folder, which columns, and what to do about holes in them. */
export const DATASET_OPTIONS = {
  /** Relative to the folder, as all files; default user_features.parquet. */
  userFile: {
    schema: text(),
    flag: '--user-file <file>',
    term: '--user-file, --restaurant-file <file>',
    help: 'default user_features.parquet, restaurant_features…',
  },
  /** Default restaurant_features.parquet. */
  restaurantFile: { schema: text(), flag: '--restaurant-file <file>' },
  /** Globs of the clicks to train on; default all below train/. */
  trainFiles: {
    schema: globs(),
    flag: '--train-files <glob>',
    term: '--train-files, --test-files <glob>',
    help: 'default train/**/*.parquet, test/…; repeatable',
    clicks: ['train'],
  },
  /** Globs of the clicks to measure on; default all below test/. */
  testFiles: { schema: globs(), flag: '--test-files <glob>', clicks: ['test'] },
  /** Column of the clicks that tells when they were, to hold out the later ones; default none. */
  timeColumn: {
    schema: text(),
    flag: '--time-column <name>',
    term: '--time-column, --test-after <time>',
    help: "test clicks: the training files' rows from a time on",
    clicks: ['train', 'test'],
  },
  /** Rows of the training files from this time on are the test clicks, in place of files of their own. */
  testAfter: { schema: instant(), flag: '--test-after <time>', clicks: ['train', 'test'] },
  /** Rows of the training files from this time on, and before `testAfter`, are for validation. */
  validationAfter: {
    schema: instant(),
    flag: '--validation-after <time>',
    term: '--validation-after, --validation-files',
    help: 'rows from a time on, or files, held out for validation',
    clicks: ['train'],
  },
  /** Globs of the clicks for validation; those that are training files are not trained on. */
  validationFiles: { schema: globs(), flag: '--validation-files <glob>', clicks: ['train'] },
  /** The names of columns that are no features; each has a default. */
  columns: group(COLUMNS, 'an object of column names'),
  /** Column names in order; default: all named f<digits>, else every column that can be a feature. */
  userFeatures: {
    schema: texts(),
    flag: '--user-features <names>',
    term: '--user-features, --restaurant-features',
    help: 'f00,f01,…; default all f<digits>, else all there are',
  },
  /** The same for restaurants; latitude and longitude are never features unless named here. */
  restaurantFeatures: { schema: texts(), flag: '--restaurant-features <names>' },
  /** Of which side the ids are a feature, too; default none. A side with nothing else has its ids anyway. */
  ids: {
    schema: oneOf('none', 'users', 'restaurants', 'both'),
    flag: '--ids <which>',
    term: '--ids <which>, --context-features',
    help: 'users, restaurants or both; time,device,… of the clicks',
    clicks: ['train'],
  },
  /**
   * Columns of the clicks that are features of the click itself, such as its time or device; default none.
   */
  contextFeatures: {
    schema: texts(),
    flag: '--context-features <names>',
    clicks: ['train'],
  },
  /** Column of the clicks that tells what was shown together, such as a request; default none. */
  groupColumn: {
    schema: text(),
    flag: '--group-column <name>',
    help: 'what was shown together, such as request_id',
    clicks: ['train', 'test'],
  },
  /**
   * Column of the clicks that tells where on the screen a row was shown, from 1: what that does to a click is
   * learned apart from everything else, and left out when restaurants are ranked; default none.
   */
  positionColumn: {
    schema: text(),
    flag: '--position-column <name>',
    term: '--position-column, --weight-column',
    help: 'where a row was shown, from 1; how much it counts',
    clicks: ['train'],
  },
  /** Column of the clicks that tells how much a row counts in training, 0 or more; default: 1. */
  weightColumn: { schema: text(), flag: '--weight-column <name>', clicks: ['train'] },
  /**
   * Column of the clicks with the probability that a row could be learned from, such as that it was looked
   * at: it counts 1 / this many times; default: 1.
   */
  propensityColumn: {
    schema: text(),
    flag: '--propensity-column <name>',
    term: '--propensity-column, --propensity-min',
    help: 'rows count 1 / this; what counts in place of less (0.05)',
    clicks: ['train'],
  },
  /** What is below it counts as this much; default 0.05. */
  propensityMin: { schema: number(1e-6, 1), flag: '--propensity-min <p>', clicks: ['train'] },
  /** What columns and pairs become, where it is not what is found; false: no feature. See docs/config.md. */
  features: { schema: DeclarationSchema, clicks: ['train'] },
  ...POLICIES,
  /** Folder of the packed rows; default <data>/.nearrank. */
  cache: {
    schema: text(),
    flag: '--cache <dir>',
    help: 'folder of the packed rows; default DATA/.nearrank',
  },
} satisfies Record<string, DatasetOption>

/** Which files, which columns, and what to do about holes in them. */
export interface DatasetOptions extends Partial<OptionValues<typeof DATASET_OPTIONS>> {
  /** Folder; file names are relative to it. */
  data: string
  /** The names of columns that are no features; each has a default. */
  columns?: Partial<ColumnNames>
}

type Table = typeof DATASET_OPTIONS

/** The keys that concern who reads the clicks of the splits `R`; never: who reads features only. */
type KeyReading<R extends Split> = {
  [K in keyof Table]: Table[K] extends { clicks: readonly (infer S)[] }
    ? [S & R] extends [never]
      ? never
      : K
    : K
}[keyof Table]

/** `DatasetOptions` without those that concern only who reads other clicks. */
export type DatasetOptionsReading<R extends Split> = Pick<DatasetOptions, 'data' | KeyReading<R>>

/** The options that concern who reads the features and the clicks of `splits`. */
export function optionsReading<R extends Split = never>(...splits: R[]): Pick<Table, KeyReading<R>> {
  const concerned = (table: Readonly<Record<string, DatasetOption>>): OptionTable =>
    Object.fromEntries(
      Object.entries(table)
        .filter(([, { clicks }]) => clicks === undefined || splits.some((split) => clicks.includes(split)))
        .map(([key, option]) => [key, option.parts ? { ...option, parts: concerned(option.parts) } : option]),
    )
  return concerned(DATASET_OPTIONS) as Pick<Table, KeyReading<R>>
}

/** The options of who fills a store. */
export const FILL_OPTIONS = {
  ...optionsReading(),
  /** Columns of the restaurants that the store keeps beside their features, for display; default none. */
  keepColumns: {
    schema: texts(),
    flag: '--keep-columns <names>',
    help: 'columns of the restaurants that are only kept, as name',
  },
} satisfies OptionTable

/** Which files and columns fill a store. */
export interface FillOptions
  extends DatasetOptions,
    Partial<Pick<OptionValues<typeof FILL_OPTIONS>, 'keepColumns'>> {}

/** How to read a dataset. */
export interface OpenOptions extends Pick<FillOptions, 'keepColumns'> {
  memoryBytes?: number // for DuckDB's buffers; default 256 MiB
  fitted?: FeaturesOf // of a model; absent: fitted to the data
  grows?: boolean // vocabularies of `fitted` get the values of the data that they do not have
  replayed?: Replay // with the training clicks
  signal?: AbortSignal
  onProgress?: (progress: OpenProgress) => void
}

/** Older clicks to train on beside new ones. */
export interface Replay {
  files: string | string[] // globs; what is a training file is not older
  share: number // of all training rows, 0 … 1, both excluded
}

export interface OpenProgress {
  stage: 'users' | 'restaurants' | Split
  rowsDone: number
  rowsTotal: number // 0: not known yet
  filesOpened?: { done: number; total: number } // while their columns are looked at, before the first row
  isSorting?: true // by group, once they are packed: the rows are counted anew
}
