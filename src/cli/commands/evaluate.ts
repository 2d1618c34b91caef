import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { EvaluationReport } from '../../training/evaluate.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import { CONFIG_SCHEMA } from '../../training/settings/settings.ts'
import type { CommandContext } from '../commandContext.ts'
import { DATASET_FLAGS } from '../flags/dataset.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTable } from '../output/table.ts'
import { RUN_FLAGS } from '../flags/train.ts'
import { TrainProgress } from '../progress/trainProgress.ts'
import { parseText } from '../flags/values.ts'

const PLACE_FLAGS: Flag[] = [
  { flags: '--data <dir>', key: 'data', parse: parseText, help: 'folder with the Parquet files (required)' },
  { flags: '--model <dir>', key: 'model', parse: parseText, help: 'model folder (required)' },
]
const EVALUATE_FLAGS: Flag[] = [
  ...RUN_FLAGS.filter(({ key }) => key === 'threads' || key === 'maxMemoryBytes'),
  { flags: '--json', key: 'json', help: 'print one JSON object at the end' },
]

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
    .summary('how good a model is on the test clicks')
    .usage('--data <dir> --model <dir> [options]')
    .description('Measures a model on the test clicks, beside the majority class and the best possible.')
  const datasetFlags = DATASET_FLAGS.filter(({ key }) => key !== 'trainFiles')
  addFlags(command, 'Places:', PLACE_FLAGS)
  addFlags(command, 'Run:', EVALUATE_FLAGS, CONFIG_SCHEMA)
  addFlags(command, 'Data (default: columns as the model was trained):', datasetFlags, CONFIG_SCHEMA)
  command.addHelpText('after', '\nExample:\n  nearrank evaluate --data data --model model --json')

  return command.action(async () => {
    const { data, model, json, ...options } = givenOptions(command, [
      ...PLACE_FLAGS,
      ...EVALUATE_FLAGS,
      ...datasetFlags,
    ])
    if (typeof data !== 'string' || typeof model !== 'string')
      throw new NearrankError(
        'USAGE',
        `Cannot evaluate: ${typeof data === 'string' ? '--model DIR' : '--data DIR'} is missing`,
      )
    const shown = new TrainProgress(progress)
    const { evaluate } = await import('../../training/evaluate.ts')
    const report = await evaluate({
      data,
      model,
      ...options,
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
