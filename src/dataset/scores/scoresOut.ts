import { withDefault } from '../../options/option.ts'
import { boolean, text } from '../../options/schemas.ts'

/** Where scores go, for whoever writes any. */
export const SCORES_OUT = {
  /** Folder of the scores; a run that was interrupted continues there. */
  out: {
    schema: text(),
    required: true as const,
    flag: '--out <dir>',
    help: 'folder of the scores (required); continues there',
  },
  /** Replace the scores that `out` holds; default false. */
  overwrite: withDefault({
    schema: boolean(),
    default: false,
    flag: '--overwrite',
    help: 'replace the scores that the folder holds',
  }),
}
