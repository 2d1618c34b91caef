import { formatCount, formatPercent, formatShare } from '../../../format.ts'
import type { CalibrationBin } from '../../../metrics/calibrationCurve.ts'
import type { EvaluationMetrics } from '../../../metrics/clickMetrics.ts'
import type { RocPoint, ScoreDistribution } from '../../../metrics/scoreCurves.ts'
import { foldedTable } from '../../../report/dataTable.ts'
import { histogram } from '../../../report/histogram.ts'
import { lineChart } from '../../../report/lineChart.ts'
import type { Markup } from '../../../report/markup.ts'
import { cards, figure } from '../../../report/page.ts'
import { legend } from '../../../report/picture.ts'
import type { Judged } from '../../judgement/judge.ts'
import { calibrationCells } from '../judgementTables.ts'
import { aucVerdict, calibrationVerdict, gainVerdict } from './verdicts.ts'

const ROC_ROWS = 20 // of its table; the picture has them all

type Scored = Pick<Judged, 'calibration' | 'curves'>

/** Pictures of scores beside clicks: calibration, distribution, ROC, gain. */
export function scoreFigures(
  metrics: EvaluationMetrics,
  { calibration, curves: { roc, distribution } }: Scored,
  ordersOnly: boolean,
): Markup {
  return cards(
    ordersOnly || calibration.length === 0 ? [] : calibrationFigure(calibration, metrics.calibrationError),
    distribution ? distributionFigure(distribution, ordersOnly) : [],
    roc.length > 0 ? rocFigure(roc, metrics) : [],
    calibration.length > 0 ? gainFigure(calibration) : [],
  )
}

function calibrationFigure(bins: readonly CalibrationBin[], error: number): Markup {
  const verdict = calibrationVerdict(bins, error)
  return figure({
    heading: 'Calibration',
    verdict,
    picture: lineChart({
      id: 'calibration',
      title: 'Calibration: click rate by mean prediction',
      description: verdict.text,
      x: { label: 'mean prediction', format: formatShare, low: 0 },
      y: { label: 'click rate', format: formatShare, low: 0 },
      diagonal: 'as predicted',
      lines: [
        {
          name: 'click rate',
          style: 1,
          markers: true,
          points: bins.map(({ prediction, clickRate, low, high }) => ({
            x: prediction,
            y: clickRate,
            low,
            high,
          })),
        },
      ],
    }),
    reading:
      'Tenths of the rows, by rising prediction; bars are 95 % intervals of independent rows. On the dashed line, what was predicted came.',
    table: foldedTable('Numbers of the calibration', calibrationCells(bins)),
  })
}

function distributionFigure({ low, high, clicks, others }: ScoreDistribution, ordersOnly: boolean): Markup {
  const edges = Array.from({ length: clicks.length + 1 }, (_, i) => low + (i * (high - low)) / clicks.length)
  const what = ordersOnly ? 'score' : 'prediction'
  const series = [
    { name: 'no click', style: 1, counts: others },
    { name: 'click', style: 2, counts: clicks },
  ] as const
  const bars = series.flatMap(({ name, style, counts }) => {
    const rows = counts.reduce((sum, count) => sum + count, 0)
    return rows > 0 ? [{ name, style, values: counts.map((count) => count / rows) }] : []
  })
  const means = series.map(({ name, counts }) => `${name}: most between ${mostOf(counts, edges)}.`)
  return figure({
    heading: 'Scores by label',
    legend: legend(bars),
    picture: histogram({
      id: 'distribution',
      title: `Distribution of the ${what}s of clicks and of other rows`,
      description: means.join(' '),
      x: { label: what, format: formatShare, low, high },
      y: { label: 'share of the rows with the label', format: formatShare },
      edges,
      bars,
    }),
    reading: `The further apart the two, the better the model tells clicks from other rows. The first and the last bin hold the few rows beyond them.`,
    table: foldedTable('Numbers of the distribution', {
      head: [what, 'clicks', 'other rows'],
      rows: clicks.map((count, i) => [
        `${formatShare(edges[i])} to ${formatShare(edges[i + 1])}`,
        formatCount(count),
        formatCount(others[i]),
      ]),
    }),
  })
}

/** Where the fullest bin is, as `4 % to 6 %`. */
function mostOf(counts: readonly number[], edges: readonly number[]): string {
  const fullest = counts.reduce((most, count, i) => (count > counts[most] ? i : most), 0)
  return `${formatShare(edges[fullest])} and ${formatShare(edges[fullest + 1])}`
}

function rocFigure(roc: readonly RocPoint[], metrics: EvaluationMetrics): Markup {
  const { auc } = metrics
  const verdict = aucVerdict(metrics)
  const every = Math.ceil(roc.length / ROC_ROWS)
  return figure({
    heading: `ROC curve${auc === null ? '' : `, AUC ${auc.toFixed(4)}`}`,
    verdict,
    picture: lineChart({
      id: 'roc',
      title: 'ROC curve: share of the clicks found by share of the other rows taken along',
      description: verdict.text,
      x: { label: 'other rows above the threshold', format: formatShare, low: 0, high: 1 },
      y: { label: 'clicks above the threshold', format: formatShare, low: 0, high: 1 },
      diagonal: 'chance',
      lines: [
        { name: 'model', style: 1, points: roc.map(({ others, clicks }) => ({ x: others, y: clicks })) },
      ],
    }),
    reading:
      'For every threshold of the score. The dashed line is chance; the area below the curve is the AUC.',
    table: foldedTable('Numbers of the ROC curve', {
      head: ['other rows', 'clicks'],
      rows: roc
        .filter((_, i) => i % every === 0 || i === roc.length - 1)
        .map(({ others, clicks }) => [formatShare(others), formatShare(clicks)]),
      texts: [],
    }),
  })
}

/** Tenths of the rows, the highest predictions first: how many times their share of the clicks they hold. */
function gainFigure(bins: readonly CalibrationBin[]): Markup {
  const verdict = gainVerdict(bins)
  const rows = bins.reduce((sum, bin) => sum + bin.rows, 0)
  const clicks = bins.reduce((sum, bin) => sum + bin.rows * bin.clickRate, 0)
  const falling = bins.toReversed()
  const lifts = falling.map(({ clickRate }) => (clicks > 0 ? (clickRate * rows) / clicks : 0))
  const found = falling.map((_, i) => {
    const above = falling.slice(0, i + 1).reduce((sum, bin) => sum + bin.rows * bin.clickRate, 0)
    return clicks > 0 ? above / clicks : 0
  })
  const times = (value: number) => `${Number(value.toPrecision(3))}×`
  return figure({
    heading: 'Gain by tenth',
    verdict,
    picture: histogram({
      id: 'gain',
      title: 'Gain: clicks of each tenth of the rows, in times the average',
      description: verdict.text,
      x: {
        label: 'tenth of the rows, highest predictions first',
        format: (place) => String(Math.round(place)),
        low: 0.5,
        high: falling.length + 0.5,
        ticks: falling.map((_, i) => i + 1),
      },
      y: { label: 'clicks, times the average', format: times },
      edges: Array.from({ length: falling.length + 1 }, (_, i) => i + 0.5),
      bars: [{ name: 'clicks', style: 1, values: lifts }],
      guides: [{ axis: 'y', value: 1, name: 'average' }],
      gap: 6,
    }),
    reading: 'If the model said nothing, all bars would end at the average.',
    table: foldedTable('Numbers of the gain', {
      head: ['tenth', 'rows', 'click rate', 'times the average', 'of all clicks, so far'],
      rows: falling.map(({ rows: own, clickRate }, i) => [
        String(i + 1),
        formatCount(own),
        formatShare(clickRate),
        times(lifts[i]),
        formatPercent(found[i]),
      ]),
    }),
  })
}
