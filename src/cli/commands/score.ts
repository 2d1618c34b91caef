import { Command } from 'commander'
import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import type { ScoreReport } from '../../training/score.ts'
import { SCORE, SCORE_RUN, SCORES_OUT } from '../../training/settings/scoreOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

const JSON_KEYS = ['files', 'skipped', 'rows', 'dropped', 'seconds'] as const

/** `nearrank score`: the score of every row of some files. */
export function scoreCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('score')
    .summary('write the score of every row of some files to Parquet')
    .usage('--data <dir> --model <dir> --out <dir> [options]')
    .description('Scores rows of user and restaurant ids: each file gives one of the same name.')
  const places = { ...DATA_OPTION, ...MODEL_OPTION, ...SCORES_OUT }
  const datasetOptions = optionsReading()
  addFlags(command, 'Paths:', places)
  addFlags(command, 'Rows:', SCORE)
  addFlags(command, 'Run:', { ...SCORE_RUN, ...JSON_OPTION })
  addFlags(command, 'Data (default: the columns that the model was trained with):', datasetOptions)
  command.addHelpText(
    'after',
    "\nExample:\n  nearrank score --data data --model model --files 'pairs/*.parquet' --out scores",
  )

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const { data, model, out, ...options } = givenOptions(command, {
      ...places,
      ...SCORE,
      ...SCORE_RUN,
      ...datasetOptions,
    })
    if (data === undefined || model === undefined || out === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot score: ${data === undefined ? '--data' : model === undefined ? '--model' : '--out'} DIR is missing`,
      )
    const shown = new TrainProgress(progress)
    const { score } = await import('../../training/score.ts')
    const report = await score({
      turbo: 'auto',
      data,
      model,
      out,
      ...options,
      signal: interrupt.signal,
      onProgress: (event) => shown.show(event),
    })
    progress.end()
    if (json) printJson(report, JSON_KEYS)
    else print(scoredText(report, out))
  })
}

function scoredText({ files, skipped, rows, dropped, seconds }: ScoreReport, out: string): string {
  const told = [
    skipped > 0 ? `${formatCount(skipped)} of them there already` : '',
    dropped > 0 ? `${formatCount(dropped)} rows left out` : '',
    formatSeconds(seconds),
  ].filter((text) => text !== '')
  return `${formatCount(rows)} scores in ${formatCount(files)} ${files === 1 ? 'file' : 'files'} in ${out}: ${told.join(', ')}`
}
