import type { OptionTable } from '../../options/option.ts'
import { globs, number, text } from '../../options/schemas.ts'

/** Of all training rows, if files of older clicks are given. */
export const REPLAY_DEFAULT = 0.2

/** How to go on from an earlier model. */
export const FROM = {
  /**
   * Model folder to begin with, in place of random weights. Its features and its network are the new model's;
   * vocabularies get the values that are new.
   */
  from: { schema: text(), flag: '--from <dir>' },
  /** With `from`: share of older rows among all training rows; default 0.2 if there are `replayFiles`. */
  replay: {
    schema: number(0.001, 0.9),
    flag: '--replay <share>',
    term: '--replay <share>, --replay-files <glob>',
    help: 'with --from: share of older rows (0.2), and their files',
  },
  /** With `from`: globs of files of older clicks; those that are training files are left out. */
  replayFiles: { schema: globs(), flag: '--replay-files <glob>' },
} satisfies OptionTable
