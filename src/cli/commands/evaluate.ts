import { Command } from 'commander'
import { EVALUATE } from '../../training/settings/evaluateOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { addTestRowsFlags, givenTestRows } from '../flags/testRowsFlags.ts'
import { packageVersion } from '../../packageVersion.ts'
import { EVALUATION_KEYS, renderEvaluation } from '../output/evaluationTables.ts'
import { print, printJson } from '../output/output.ts'
import { checkPagePlace, nameOfPath, PAGE_OPTION, writePage } from '../output/reportFile.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

/** `nearrank evaluate`: how good a model is on the test clicks. */
export function evaluateCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('evaluate')
    .summary('measure a model on the test clicks')
    .usage('--data <dir> --model <dir> [options]')
    .description(
      'Measures a model on the test clicks, beside the best possible and simple orders of the same rows.',
    )
  addTestRowsFlags(command, { ...EVALUATE, ...PAGE_OPTION })
  command.addHelpText('after', '\nExample:\n  nearrank evaluate --data data --model model --json')

  return command.action(async () => {
    const { json = false, page } = givenOptions(command, { ...JSON_OPTION, ...PAGE_OPTION })
    const given = givenTestRows(command, EVALUATE, 'Cannot evaluate')
    if (page !== undefined) await checkPagePlace(page)
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
    if (page === undefined) return
    const { renderEvaluationPage } = await import('../../training/report/page/evaluationPage.ts')
    const context = {
      version: packageVersion(),
      madeAt: new Date().toISOString(),
      data: nameOfPath(given.data),
      model: nameOfPath(given.model),
    }
    await writePage(page, renderEvaluationPage(report, context), { json })
  })
}
