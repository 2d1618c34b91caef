import { Command } from 'commander'
import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { SCORES_OUT } from '../../dataset/scores/scoresOut.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import type { ScoreEvent, ScoreReport } from '../../dataset/scores/scoreRun.ts'
import type { OptionTable } from '../../options/option.ts'
import { TOP } from '../../ranking/top/topOptions.ts'
import { SCORE, SCORE_RUN } from '../../training/settings/scoreOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

const JSON_KEYS = ['files', 'skipped', 'rows', 'dropped', 'seconds'] as const

/** `nearrank score`: the score of every row of some files, or the best restaurants for each user. */
export function scoreCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('score')
    .summary('write scores of rows, or the best restaurants for users, to Parquet')
    .usage('--data <dir> --model <dir> --out <dir> [options]')
    .description(
      'Scores rows of user and restaurant ids: each file gives one of the same name. --top ranks for users.',
    )
  const places = { ...DATA_OPTION, ...MODEL_OPTION, ...SCORES_OUT }
  const datasetOptions = optionsReading()
  addFlags(command, 'Paths:', places)
  addFlags(command, 'Rows:', SCORE)
  addFlags(command, 'Best restaurants for each row of a user (--files, default the users):', TOP)
  addFlags(command, 'Run:', { ...SCORE_RUN, ...JSON_OPTION })
  addFlags(command, 'Data (default: the columns that the model was trained with):', datasetOptions)
  command.addHelpText(
    'after',
    "\nExample:\n  nearrank score --data data --model model --files 'pairs/*.parquet' --out scores\n" +
      '  nearrank score --data data --model model --top 50 --near --out lists',
  )

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const { data, model, out, ...shared } = givenOptions(command, { ...places, ...datasetOptions })
    if (data === undefined || model === undefined || out === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot score: ${data === undefined ? '--data' : model === undefined ? '--model' : '--out'} DIR is missing`,
      )
    const given = { rows: givenOptions(command, { ...SCORE, ...SCORE_RUN }), top: givenOptions(command, TOP) }
    const { top } = given.top
    checkMode(command, top === undefined ? TOP : ROWS_ONLY, top === undefined ? 'without' : 'with')
    const shown = new TrainProgress(progress)
    const options = {
      ...shared,
      data,
      model,
      out,
      signal: interrupt.signal,
      onProgress: (event: ScoreEvent) => shown.show(event),
    }
    let report: ScoreReport
    if (top === undefined) {
      const { score } = await import('../../training/score.ts')
      report = await score({
        turbo: 'auto',
        ...given.rows,
        ...options,
        onProgress: (event) => shown.show(event),
      })
    } else {
      const { scoreTop } = await import('../../ranking/top/scoreTop.ts')
      const { files, threads } = given.rows
      report = await scoreTop({
        ...given.top,
        top,
        ...(files !== undefined && { files }),
        ...(threads !== undefined && { threads }),
        ...options,
      })
    }
    progress.end()
    if (json) printJson(report, JSON_KEYS)
    else print(scoredText(report, out))
  })
}

/** What makes no sense with `--top`. */
const ROWS_ONLY = {
  copyColumns: SCORE.copyColumns,
  maxMemoryBytes: SCORE_RUN.maxMemoryBytes,
  turbo: SCORE_RUN.turbo,
  kernels: SCORE_RUN.kernels,
}

/** @throws NearrankError USAGE if a flag of `table` was given, none of which goes with or without --top. */
function checkMode(command: Command, table: OptionTable, which: 'with' | 'without'): void {
  const [key] = Object.keys(givenOptions(command, table))
  if (key !== undefined)
    throw new NearrankError('USAGE', `Cannot use ${table[key].flag?.split(' ')[0]} ${which} --top`)
}

function scoredText({ files, skipped, rows, dropped, seconds }: ScoreReport, out: string): string {
  const told = [
    skipped > 0 ? `${formatCount(skipped)} of them there already` : '',
    dropped > 0 ? `${formatCount(dropped)} ${dropped === 1 ? 'row' : 'rows'} left out` : '',
    formatSeconds(seconds),
  ].filter((text) => text !== '')
  const scores = `${formatCount(rows)} ${rows === 1 ? 'score' : 'scores'}`
  return `${scores} in ${formatCount(files)} ${files === 1 ? 'file' : 'files'} in ${out}: ${told.join(', ')}`
}
