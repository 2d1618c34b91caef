import { DATA_OPTION, DATASET_OPTIONS } from '../../dataset/options.ts'
import { withDefault } from '../../options/option.ts'
import { boolean, integer, oneOf, text } from '../../options/schemas.ts'
import { RUN } from './runOptions.ts'
import { PRESET_NAMES, SETTINGS } from './trainSettings.ts'

export const TRIALS_MAX = 1000

/** How much is tried, and where the result goes. */
export const TUNE = {
  /** Folder of the search; one that was interrupted continues there. */
  out: {
    schema: text(),
    required: true as const,
    flag: '--out <dir>',
    help: 'folder of the search (required); continues there',
  },
  /** Where the settings begin; default 'default'. */
  preset: {
    schema: oneOf(...PRESET_NAMES),
    flag: '--preset <name>',
    help: 'the first trial: default, or reference (the job)',
  },
  /** Settings to try, the preset's among them; default 20. */
  trials: withDefault({
    schema: integer(1, TRIALS_MAX),
    default: 20,
    flag: '--trials <n>',
    help: 'settings to try, default 20',
  }),
  /** Begin anew, whatever search `out` holds; default false. */
  overwrite: withDefault({
    schema: boolean(),
    default: false,
    flag: '--overwrite',
    help: 'replace the search that the folder holds',
  }),
}

/** How `tune` runs; none of these changes what it finds. */
export const TUNE_RUN = {
  threads: RUN.threads,
  maxMemoryBytes: RUN.maxMemoryBytes,
  turbo: RUN.turbo,
  kernels: RUN.kernels,
}

/** Every option of `tune` that is plain data. */
export const TUNE_OPTIONS = { ...DATA_OPTION, ...TUNE, ...SETTINGS, ...TUNE_RUN, ...DATASET_OPTIONS }
