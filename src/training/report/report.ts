import { formatCount } from '../../format.ts'
import { learnsOrderAlone } from '../settings/trainSettings.ts'
import type { TrainResult } from '../types.ts'
import {
  calibrationCells,
  type Cells,
  ORDER_ONLY,
  leadText,
  orderCells,
  unitsText,
} from './judgementTables.ts'
import { markdownTable } from './markdown.ts'
import type { ReportContext } from './reportContext.ts'
import { constraintCells, countMet, epochCells, ledgerCells, madeCells, metricCells } from './reportTables.ts'

/** The Markdown of a model's `report.md`. Pure; cells from outside (column and file names) are escaped. */
export function renderReport(result: TrainResult, context: ReportContext): string {
  const { met, demanded } = countMet(result.constraints)
  return [
    '# Training report',
    '',
    `Trained on ${formatCount(result.rows)} rows an epoch, ${result.epochs.length} ${result.epochs.length === 1 ? 'epoch' : 'epochs'}, ` +
      `preset \`${result.preset}\`; the weights of epoch ${result.keptEpoch} were kept. ` +
      `${met} of ${demanded} constraints are met.`,
    '',
    '## Constraints',
    '',
    ...tableLines(constraintCells(result.constraints)),
    '',
    '## Epochs',
    '',
    ...tableLines(epochCells(result)),
    '',
    '## Test set',
    '',
    ...testLines(result, context),
    '',
    '## Ledger',
    '',
    'Rows that were used in each epoch. The digest is a sum over the rows that the kernels gathered, in any order:',
    'a row left out, used twice or changed gives another one. `model.json` holds the same for each file.',
    '',
    ...tableLines(ledgerCells(result.ledger)),
    '',
    '## How it was made',
    '',
    ...tableLines(madeCells(result, context)),
    '',
  ].join('\n')
}

function testLines(result: TrainResult, context: ReportContext): string[] {
  const { test, judged, settings } = result
  if (!test) return ['There is no test set.']
  const ordersOnly = learnsOrderAlone(settings.loss)
  const byGroup = judged?.byGroup
  return [
    ...(ordersOnly ? [ORDER_ONLY, ''] : []),
    ...tableLines(metricCells(test, context, ordersOnly)),
    ...(byGroup
      ? [
          '',
          '### Order by group',
          '',
          ...tableLines(orderCells(byGroup)),
          '',
          [`${unitsText(byGroup, 'group')}.`, leadText(byGroup) ?? ''].join(' ').trimEnd(),
        ]
      : []),
    ...(judged && !ordersOnly
      ? [
          '',
          '### Calibration',
          '',
          'Tenths of the rows, by rising prediction.',
          '',
          ...tableLines(calibrationCells(judged.calibration)),
        ]
      : []),
  ]
}

function tableLines({ head, rows }: Cells): string[] {
  return markdownTable(head, rows)
}
