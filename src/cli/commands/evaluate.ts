import { Command } from 'commander'
import { formatCount, formatSeconds } from '../../format.ts'
import type { EvaluationReport } from '../../training/evaluate.ts'
import type { CommandContext } from '../commandContext.ts'
import { givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { addTestRowsFlags, givenTestRows } from '../flags/testRowsFlags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTable } from '../output/table.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

const JSON_KEYS = [
  'rows',
  'accuracy',
  'auc',
  'logLoss',
  'normalizedEntropy',
  'calibrationError',
  'ndcg10',
  'clickRate',
  'majorityAccuracy',
  'bayesAccuracy',
  'bayesLogLoss',
  'seconds',
] as const

/** `nearrank evaluate`: how good a model is on the test clicks. */
export function evaluateCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('evaluate')
    .summary('measure a model on the test clicks')
    .usage('--data <dir> --model <dir> [options]')
    .description(
      'Measures a model on the test clicks, compared with the majority class and the best possible.',
    )
  addTestRowsFlags(command, {})
  command.addHelpText('after', '\nExample:\n  nearrank evaluate --data data --model model --json')

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const given = givenTestRows(command, {}, 'Cannot evaluate')
    const shown = new TrainProgress(progress)
    const { evaluate } = await import('../../training/evaluate.ts')
    const report = await evaluate({
      ...given,
      signal: interrupt.signal,
      onProgress: (event) => shown.show(event),
    })
    progress.end()
    if (json) printJson(report, JSON_KEYS)
    else print(renderEvaluation(report))
  })
}

function renderEvaluation(report: EvaluationReport): string {
  return renderTable(
    ['', 'model', 'majority class', 'best possible'],
    [
      ['accuracy', figure(report.accuracy), figure(report.majorityAccuracy), figure(report.bayesAccuracy)],
      ['log loss', figure(report.logLoss), '', figure(report.bayesLogLoss)],
      ['AUC', figure(report.auc)],
      ['normalised entropy', figure(report.normalizedEntropy)],
      ['calibration error', figure(report.calibrationError)],
      ['NDCG@10 by user', figure(report.ndcg10)],
      ['click rate', figure(report.clickRate)],
      ['rows', formatCount(report.rows)],
      ['time', formatSeconds(report.seconds)],
    ],
    ['left', 'right', 'right', 'right'],
  )
}

function figure(value: number | null): string {
  return value?.toFixed(5) ?? '–'
}
