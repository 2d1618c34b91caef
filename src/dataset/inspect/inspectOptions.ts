import type { OptionTable, OptionValues } from '../../options/option.ts'
import { text } from '../../options/schemas.ts'
import {
  DATA_OPTION,
  type DatasetOptionsReading,
  type OpenProgress,
  optionsReading,
  POLICIES,
} from '../options.ts'

/** Where the result goes. */
export const INSPECT_OUT = {
  /** File for the features that training would choose, as JSON; one that is there is replaced. */
  out: {
    schema: text(),
    flag: '--out <file>',
    help: 'write the features that it would choose, to be edited',
  },
} satisfies OptionTable

// Nothing is packed, what is dirty is counted, and what the columns would become is found anew.
const UNUSED = [
  ...keysOf(POLICIES),
  ...(['timeColumn', 'testAfter', 'validationAfter', 'validationFiles'] as const),
  ...(['cache', 'ids', 'contextFeatures', 'groupColumn', 'positionColumn', 'features'] as const),
  ...(['weightColumn', 'propensityColumn', 'propensityMin'] as const),
] as const

type DataOptions = Omit<DatasetOptionsReading<'train' | 'test'>, (typeof UNUSED)[number]>

/** Which files and columns. */
export const INSPECT_DATA: OptionTable = Object.fromEntries(
  Object.entries(optionsReading('train', 'test')).filter(([key]) => !UNUSED.some((one) => one === key)),
)

/** Every option of `inspect` that is plain data. */
export const INSPECT_OPTIONS: OptionTable = { ...DATA_OPTION, ...INSPECT_OUT, ...INSPECT_DATA }

export interface InspectOptions extends DataOptions, Partial<OptionValues<typeof INSPECT_OUT>> {
  signal?: AbortSignal
  onProgress?: (progress: OpenProgress) => void
}

function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table) as (keyof T & string)[]
}
