import { Command } from 'commander'
import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { formatSeconds } from '../../format.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { EVALUATE_RUN } from '../../training/settings/evaluateOptions.ts'
import { IMPORTANCE } from '../../training/settings/importanceOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { renderImportance } from '../output/importanceTable.ts'
import { print, printJson } from '../output/output.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

const JSON_KEYS = [
  'rows',
  'testRows',
  'repeats',
  'seed',
  'logLoss',
  'auc',
  'groups',
  'features',
  'seconds',
] as const

/** `nearrank importance`: how much each feature counts on the test clicks. */
export function importanceCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('importance')
    .summary('measure how much each feature of a model counts')
    .usage('--data <dir> --model <dir> [options]')
    .description(
      'Measures how much worse a model is if the values of a feature come from another test click.',
    )
  const places = { ...DATA_OPTION, ...MODEL_OPTION }
  const datasetOptions = optionsReading('test')
  addFlags(command, 'Paths:', places)
  addFlags(command, 'Run:', { ...IMPORTANCE, ...EVALUATE_RUN, ...JSON_OPTION })
  addFlags(command, 'Data (default: the columns that the model was trained with):', datasetOptions)
  command.addHelpText('after', '\nExample:\n  nearrank importance --data data --model model --rows 100000')

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const { data, model, ...options } = givenOptions(command, {
      ...places,
      ...IMPORTANCE,
      ...EVALUATE_RUN,
      ...datasetOptions,
    })
    if (data === undefined || model === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot measure importance: ${data === undefined ? '--data DIR' : '--model DIR'} is missing`,
      )
    const shown = new TrainProgress(progress)
    const { importance } = await import('../../training/importance.ts')
    const report = await importance({
      data,
      model,
      ...options,
      signal: interrupt.signal,
      onProgress: (event) => shown.show(event),
    })
    progress.end()
    if (json) return printJson(report, JSON_KEYS)
    print(renderImportance(report))
    print(`\nTime: ${formatSeconds(report.seconds)}`)
  })
}
