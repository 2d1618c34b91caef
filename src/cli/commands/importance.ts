import { Command } from 'commander'
import { formatSeconds } from '../../format.ts'
import { IMPORTANCE } from '../../training/settings/importanceOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { addTestRowsFlags, givenTestRows } from '../flags/testRowsFlags.ts'
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
  addTestRowsFlags(command, IMPORTANCE)
  command.addHelpText('after', '\nExample:\n  nearrank importance --data data --model model --rows 100000')

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const given = givenTestRows(command, IMPORTANCE, 'Cannot measure importance')
    const shown = new TrainProgress(progress)
    const { importance } = await import('../../training/importance.ts')
    const report = await importance({
      ...given,
      signal: interrupt.signal,
      onProgress: (event) => shown.show(event),
    })
    progress.end()
    if (json) return printJson(report, JSON_KEYS)
    print(renderImportance(report))
    print(`\nTime: ${formatSeconds(report.seconds)}`)
  })
}
