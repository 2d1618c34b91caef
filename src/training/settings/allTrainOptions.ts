import { DATA_OPTION, DATASET_OPTIONS } from '../../dataset/options.ts'
import type { OptionTable } from '../../options/option.ts'
import { oneOf, text } from '../../options/schemas.ts'
import { FROM } from './fromOptions.ts'
import { RUN } from './runOptions.ts'
import { PRESET_NAMES, SETTINGS } from './trainSettings.ts'

/** Where things are, and where settings begin. */
export const PLACES = {
  ...DATA_OPTION,
  out: {
    schema: text(),
    required: true,
    flag: '--out <dir>',
    help: 'model folder (required); an earlier model is replaced',
  },
  preset: {
    schema: oneOf(...PRESET_NAMES),
    flag: '--preset <name>',
    term: '--preset <name>, --from <dir>',
    help: 'default, or reference (the job); model to go on from',
  },
} satisfies OptionTable

/** Every option of training that is plain data: what a config file may hold. */
export const TRAIN_OPTIONS = { ...PLACES, ...FROM, ...SETTINGS, ...RUN, ...DATASET_OPTIONS }
