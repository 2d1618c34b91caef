import { Command } from 'commander'
import { EVALUATE } from '../../training/settings/evaluateOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { addTestRowsFlags, givenTestRows } from '../flags/testRowsFlags.ts'
import { EVALUATION_KEYS, renderEvaluation } from '../output/evaluationTables.ts'
import { print, printJson } from '../output/output.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

/** `nearrank evaluate`: how good a model is on the test clicks. */
export function evaluateCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('evaluate')
    .summary('measure a model on the test clicks')
    .usage('--data <dir> --model <dir> [options]')
    .description(
      'Measures a model on the test clicks, beside the best possible and simple orders of the same rows.',
    )
  addTestRowsFlags(command, EVALUATE)
  command.addHelpText('after', '\nExample:\n  nearrank evaluate --data data --model model --json')

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const given = givenTestRows(command, EVALUATE, 'Cannot evaluate')
    const shown = new TrainProgress(progress)
    const { evaluate } = await import('../../training/evaluate.ts')
    const report = await evaluate({
      ...given,
      signal: interrupt.signal,
      onProgress: (event) => shown.show(event),
    })
    progress.end()
    if (json) printJson(report, EVALUATION_KEYS)
    else print(renderEvaluation(report))
  })
}
