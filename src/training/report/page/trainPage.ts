import { formatBytes, formatCount, formatSeconds } from '../../../format.ts'
import { tablePanel } from '../../../report/dataTable.ts'
import { type Markup, markup, type Part } from '../../../report/markup.ts'
import { paragraph, renderPage, type Section, type Tile, tiles, verdictText } from '../../../report/page.ts'
import type { Verdict } from '../../../report/verdict.ts'
import { learnsOrderAlone } from '../../settings/trainSettings.ts'
import type { Constraint, TrainResult } from '../../types.ts'
import { ORDER_ONLY } from '../judgementTables.ts'
import type { ReportContext } from '../reportContext.ts'
import {
  constraintCells,
  countMet,
  epochCells,
  ledgerCells,
  madeCells,
  metricCells,
} from '../reportTables.ts'
import { importanceHint, importanceSection } from './importanceSection.ts'
import { learningFigures, learningVerdict } from './learningFigures.ts'
import { orderFigures, simpleRules } from './orderFigures.ts'
import { scoreFigures } from './scoreFigures.ts'
import { constraintsText } from './verdicts.ts'
import { qualityTiles } from './qualityTiles.ts'

/** The page of a model's `report.html`. Pure. */
export function renderTrainPage(result: TrainResult, context: ReportContext): string {
  const { epochs, keptEpoch, rows, preset, constraints, ledger } = result
  const count = epochs.length
  return renderPage({
    title: 'Training report',
    summary: markup`<p class="lead">Trained on ${formatCount(rows)} rows an epoch of <strong>${context.data}</strong> for ${count} ${count === 1 ? 'epoch' : 'epochs'}, preset ${preset}. The weights of epoch ${keptEpoch} were kept.</p>
<p class="quiet">Made by Nearrank ${context.version} at ${context.madeAt}.</p>`,
    sections: [
      { id: 'glance', heading: 'At a glance', content: tiles(glance(result, context)) },
      {
        id: 'learning',
        heading: 'Learning',
        content: markup`${learningFigures(result)}${tablePanel({ ...epochCells(result), caption: 'Epochs' })}`,
      },
      ...testSections(result, context),
      importanceSection(importanceHint),
      ...slicesSection(context.slices),
      {
        id: 'constraints',
        heading: 'Constraints',
        content: markup`${verdictText(constraintsVerdict(constraints))}${tablePanel({ ...constraintCells(constraints), caption: 'Constraints', texts: [0, 1, 2, 3] })}`,
      },
      {
        id: 'ledger',
        heading: 'Ledger',
        content: markup`${verdictText(ledgerVerdict(constraints))}${paragraph(LEDGER)}${tablePanel({ ...ledgerCells(ledger), caption: 'Ledger' })}`,
      },
      { id: 'made', heading: 'How it was made', content: madeContent(result, context) },
    ],
    footer: `Nearrank ${context.version}. This page needs no network: it holds everything that it shows.`,
  })
}

const LEDGER =
  'Rows that were used in each epoch. The digest is a sum over the rows that the kernels gathered, in any order: a row left out, used twice or changed gives another one. model.json holds the same for each file.'

/** None for a model without a feature to part the rows by. */
function slicesSection(names: readonly string[]): Section[] {
  if (names.length === 0) return []
  const content = paragraph(
    markup`Training measures the test set as a whole. For the rows of each value of a feature: <code>nearrank evaluate --data DIR --model DIR --slices ${names.join(',')} --report slices.html</code>`,
  )
  return [{ id: 'slices', heading: 'Slices', content }]
}

function testSections(result: TrainResult, context: ReportContext): Section[] {
  const { test, judged, settings } = result
  if (!test || test.rows === 0)
    return [
      {
        id: 'test',
        heading: 'Test set',
        content: paragraph(
          'There is no test set, so nothing tells how good the model is on rows that it has not seen. Hold some out with --test-files or --test-after.',
        ),
      },
    ]
  const ordersOnly = learnsOrderAlone(settings.loss)
  const cells = metricCells(test, context, ordersOnly)
  const baselines: Part[] = [
    ordersOnly ? [] : simpleRules(test, context),
    judged?.byGroup ? orderFigures(judged.byGroup, 'group') : [],
  ]
  return [
    {
      id: 'test',
      heading: 'Test set',
      content: markup`${ordersOnly ? paragraph(ORDER_ONLY) : ''}${judged ? scoreFigures(test, judged, ordersOnly) : ''}${tablePanel({ ...cells, caption: 'Metrics of the test set' })}`,
    },
    ...(ordersOnly && !judged?.byGroup
      ? []
      : [{ id: 'baselines', heading: 'Beside simple rules', content: baselines }]),
  ]
}

function glance(result: TrainResult, context: ReportContext): Tile[] {
  const { constraints, test, judged, settings, epochs, peakRssBytes, maxMemoryBytes } = result
  const { met, demanded } = countMet(constraints)
  const slowest = epochs.reduce((seconds, epoch) => Math.max(seconds, epoch.seconds), 0)
  return [
    { name: 'constraints met', value: `${met} of ${demanded}`, verdict: constraintsVerdict(constraints) },
    ...(test && test.rows > 0
      ? qualityTiles(test, {
          judgement: judged?.byGroup ?? null,
          bins: judged?.calibration ?? [],
          ceiling: context,
          ordersOnly: learnsOrderAlone(settings.loss),
        })
      : []),
    { name: 'course of the training', value: epochsText(epochs.length), verdict: learningVerdict(result) },
    {
      name: 'slowest epoch',
      value: epochs.length > 0 ? formatSeconds(slowest) : '–',
      verdict: {
        grade: 'plain',
        word: `${formatSeconds(result.seconds)} in all`,
        text: `On ${result.threads} ${result.threads === 1 ? 'thread' : 'threads'}, packing included.`,
      },
    },
    {
      name: 'peak memory',
      value: formatBytes(peakRssBytes),
      verdict: {
        grade: peakRssBytes <= maxMemoryBytes ? 'good' : 'poor',
        word: peakRssBytes <= maxMemoryBytes ? 'within the limit' : 'above the limit',
        text: `${formatBytes(maxMemoryBytes)} were allowed.`,
      },
    },
  ]
}

function epochsText(count: number): string {
  return `${count} ${count === 1 ? 'epoch' : 'epochs'}`
}

/** Whether all constraints are met, and which are not. */
function constraintsVerdict(constraints: readonly Constraint[]): Verdict {
  const missed = constraints.filter(({ met }) => met === false)
  const { demanded } = countMet(constraints)
  return missed.length === 0
    ? { grade: 'good', word: 'all met', text: `${constraintsText(demanded)} of this run are met.` }
    : {
        grade: 'poor',
        word: `${missed.length} missed`,
        text: `Missed: ${missed.map(({ name, limit, measured }) => `${name} (${limit}; ${measured})`).join(', ')}.`,
      }
}

/** Whether every row was used in every epoch. */
function ledgerVerdict(constraints: readonly Constraint[]): Verdict {
  const rows = constraints.find(({ name }) => name === 'every row used in every epoch')
  return rows?.met === true
    ? {
        grade: 'good',
        word: 'complete',
        text: `Every row to train on was used once in every epoch: ${rows.measured}.`,
      }
    : { grade: 'poor', word: 'not complete', text: `Used: ${rows?.measured ?? 'unknown'}.` }
}

function madeContent(result: TrainResult, context: ReportContext): Markup {
  const again =
    context.config === undefined
      ? ''
      : markup`${paragraph(markup`To make it again, save this as <code>train.json</code>, give the folders where they are, and run <code>nearrank train --config train.json</code>:`)}<pre class="panel">${JSON.stringify(context.config, null, 2)}</pre>\n`
  return markup`${tablePanel({ ...madeCells(result, context), caption: 'How it was made', texts: [0, 1] })}${again}`
}
