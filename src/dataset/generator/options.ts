import { NearrankError } from '../../errors.ts'
import { CALLBACKS, checkOptions } from '../../options/checkOptions.ts'
import {
  type DefaultedOption,
  defaultsOf,
  givenOf,
  type OptionTable,
  type OptionValues,
  withDefault,
} from '../../options/option.ts'
import { integer, oneOf, text } from '../../options/schemas.ts'

/**
 * What to generate; the defaults are the reference's, and each of these decides bytes. Bounds: features that
 * score are held in memory (40 bytes for each user and restaurant), and files have numbers.
 */
export const GENERATE_COUNTS = {
  /** Training clicks, default 50,000,000; realistic: 5,000,000. */
  rows: {
    schema: integer(1, 1e11),
    default: 50_000_000,
    flag: '--rows <n>',
    help: 'training clicks, default 50000000; realistic: 5000000',
  },
  /** Default 5,000,000; realistic: 500,000. */
  testRows: {
    schema: integer(0, 1e11),
    default: 5_000_000,
    flag: '--test-rows <n>',
    help: 'test clicks, default 5000000; realistic: 500000',
  },
  /** Default 1,000,000; realistic: 100,000. */
  users: {
    schema: integer(1, 40_000_000),
    default: 1_000_000,
    flag: '--users <n>',
    help: 'default 1000000; realistic: 100000',
  },
  /** Default 100,000; realistic: 10,000, and at least 20. */
  restaurants: {
    schema: integer(1, 40_000_000),
    default: 100_000,
    flag: '--restaurants <n>',
    help: 'default 100000; realistic: 10000',
  },
  /** Default 10,000. */
  requests: {
    schema: integer(0, 1e9),
    default: 10_000,
    flag: '--requests <n>',
    help: 'recommendation requests, default 10000',
  },
  /** Restaurants of one request, default 1,000, or all if there are fewer. */
  candidates: {
    schema: integer(1, 100_000),
    default: 1000,
    flag: '--candidates <n>',
    help: 'restaurants of one request, default 1000',
  },
  /** Of training clicks, default 80; realistic: 8. */
  files: {
    schema: integer(1, 10_000),
    default: 80,
    flag: '--files <n>',
    help: 'files of training clicks, default 80; realistic: 8',
  },
  /** Of test clicks, default 8; realistic: 2. */
  testFiles: {
    schema: integer(1, 10_000),
    default: 8,
    flag: '--test-files <n>',
    help: 'files of test clicks, default 8; realistic: 2',
  },
  /** Default 1. */
  seed: {
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    default: 1,
    flag: '--seed <n>',
    help: 'the same seed makes the same bytes',
  },
} satisfies Record<string, DefaultedOption>

/** Other defaults of realistic data. */
const REALISTIC_COUNTS = {
  rows: 5_000_000,
  testRows: 500_000,
  users: 100_000,
  restaurants: 10_000,
  files: 8,
  testFiles: 2,
}

const KIND = {
  /**
   * reference (default): two tables of numbers. realistic: strings, lists, dates, times, places and nulls, in
   * requests of 20 restaurants, with what is lost without each kind of feature.
   */
  kind: withDefault({
    schema: oneOf('reference', 'realistic'),
    default: 'reference',
    flag: '--kind <kind>',
    help: 'reference (default): tables of numbers; realistic: categories, times, nulls…',
  }),
  /**
   * Of realistic training clicks, in which order a request's restaurants are shown: random (default), or
   * popular, where popular ones tend to come first, as in logs, so that they get clicks for their positions.
   * Test clicks are always shown in random order, and so tell what users prefer.
   */
  shown: withDefault({
    schema: oneOf('random', 'popular'),
    default: 'random',
    flag: '--shown <order>',
    help: 'order of realistic training lists: random (default), popular first',
  }),
} satisfies OptionTable

const PLACE = {
  out: {
    schema: text(),
    required: true,
    flag: '--out <dir>',
    help: 'folder to create (required); an earlier generated data set is replaced',
  },
} satisfies OptionTable

const RUN = {
  /** Default: all cores. */
  threads: { schema: integer(1, 256), flag: '--threads <n>', help: 'default: all cores' },
} satisfies OptionTable

/** Every option of `generate` that is plain data. */
export const GENERATE_OPTIONS = { ...PLACE, ...KIND, ...GENERATE_COUNTS, ...RUN }

export type GenerateCounts = OptionValues<typeof GENERATE_COUNTS>

export type GenerateKind = OptionValues<typeof KIND>['kind']
export type ShownOrder = OptionValues<typeof KIND>['shown']

export interface GenerateOptions
  extends Partial<GenerateCounts>,
    Partial<OptionValues<typeof KIND>>,
    Partial<OptionValues<typeof RUN>> {
  /** Folder: absent, empty, or an earlier generated dataset, which is replaced. */
  out: string
  signal?: AbortSignal
  onProgress?: (progress: GenerateProgress) => void
}

export interface GenerateProgress {
  stage: GenerateStage
  rowsDone: number
  rowsTotal: number
}

export type GenerateStage = 'users' | 'restaurants' | 'train' | 'test' | 'requests'

export function kindOf(options: GenerateOptions): GenerateKind {
  return options.kind ?? KIND.kind.default
}

/** @throws NearrankError USAGE if the data is of a kind that has no lists. */
export function shownOrderOf(options: GenerateOptions): ShownOrder {
  const { shown = KIND.shown.default } = options
  if (shown !== KIND.shown.default && kindOf(options) !== 'realistic')
    throw new NearrankError(
      'USAGE',
      `Cannot generate clicks shown in ${shown} order (--shown): only realistic data comes in lists; add --kind realistic`,
    )
  return shown
}

/** The counts with the defaults of their kind. @throws NearrankError USAGE for a wrong option. */
export function generateCounts(options: GenerateOptions): GenerateCounts {
  checkOptions({ ...GENERATE_OPTIONS, ...CALLBACKS }, options, 'generate')
  const counts: GenerateCounts = {
    ...defaultsOf(GENERATE_COUNTS),
    ...(kindOf(options) === 'realistic' ? REALISTIC_COUNTS : {}),
    ...givenOf(GENERATE_COUNTS, options),
  }
  if (options.candidates === undefined) counts.candidates = Math.min(counts.candidates, counts.restaurants)
  if (counts.requests > 0 && counts.candidates > counts.restaurants)
    throw new NearrankError(
      'USAGE',
      `Cannot generate: ${counts.candidates} distinct candidates need at least that number of restaurants, found ${counts.restaurants}; ask for fewer candidates`,
    )
  return counts
}
