import { formatFigure, formatShare } from '../../../format.ts'
import { lineChart, type Line, type LineChart } from '../../../report/lineChart.ts'
import type { Markup } from '../../../report/markup.ts'
import { cards, figure } from '../../../report/page.ts'
import { legend } from '../../../report/picture.ts'
import type { Verdict } from '../../../report/verdict.ts'
import { learnsOrderAlone } from '../../settings/trainSettings.ts'
import { judgedLoss } from '../../run/judgedLoss.ts'
import type { EpochReport, TrainResult } from '../../types.ts'

type Run = Pick<TrainResult, 'epochs' | 'keptEpoch' | 'settings'>

const LEVEL = 0.001 // of the loss: what an epoch that changes less has levelled off to

/** The curves of a run: the loss, and what an epoch is judged by. */
export function learningFigures(run: Run): Markup {
  const { epochs, settings } = run
  const ordersOnly = learnsOrderAlone(settings.loss)
  const on = epochs[0]?.accuracyOn === 'validation' ? 'validation rows' : 'training rows'
  const loss: Card = {
    id: 'loss',
    heading: 'Loss by epoch',
    label: 'loss',
    format: formatFigure,
    lines: [
      curve('training', 1, epochs, (epoch) => epoch.loss),
      curve('validation', 2, epochs, ({ validationLoss }) => validationLoss),
    ],
    verdict: learningVerdict(run),
    reading: `Lower is better. Each training row is scored before it is learned from, with the weights of that moment.${
      settings.loss === 'logistic'
        ? ''
        : ` The training loss is the ${settings.loss} loss, the validation loss the log loss: their courses can be compared, their values cannot.`
    }`,
  }
  const qualities: Card[] = [
    ordersOnly
      ? {
          id: 'ndcg',
          heading: 'NDCG@10 by epoch',
          label: 'NDCG@10',
          format: formatFigure,
          lines: [curve('NDCG@10', 1, epochs, ({ validationNdcg10 }) => validationNdcg10)],
          reading: 'Higher is better. By group, of the validation rows.',
        }
      : {
          id: 'accuracy',
          heading: 'Accuracy by epoch',
          label: 'accuracy',
          format: formatFigure,
          lines: [curve('accuracy', 1, epochs, ({ accuracy }) => accuracy)],
          reading: `Higher is better. Of the ${on}.`,
        },
    {
      id: 'auc',
      heading: 'AUC by epoch',
      label: 'AUC',
      format: formatFigure,
      lines: [curve('AUC', 1, epochs, ({ validationAuc }) => validationAuc)],
      reading: 'Higher is better. Of the validation rows.',
    },
  ]
  return cards(...[loss, ...qualities].flatMap((one) => cardOf(run, one)))
}

interface Card {
  id: string
  heading: string
  label: string // of the values
  format: (value: number) => string
  lines: readonly Line[]
  verdict?: Verdict
  reading: string
}

/** None if no epoch has such a value. */
function cardOf({ epochs, keptEpoch }: Run, { id, label, format, lines, ...text }: Card): Markup[] {
  const shown = lines.filter(({ points }) => points.length > 0)
  if (shown.length === 0) return []
  const last = epochs.length
  const chart: LineChart = {
    id,
    title: text.heading,
    description: shown.map((line) => described(line, format)).join(' '),
    x: { label: 'epoch', format: String, low: 1, high: Math.max(last, 1), ticks: epochTicks(last) },
    y: { label, format },
    lines: shown,
    guides: last > 1 ? [{ axis: 'x', value: keptEpoch, name: `kept: ${keptEpoch}` }] : [],
  }
  const names = shown.length > 1 ? { legend: legend(shown) } : {}
  return [figure({ ...text, ...names, picture: lineChart(chart) })]
}

function curve(
  name: string,
  style: Line['style'],
  epochs: readonly EpochReport[],
  of: (epoch: EpochReport) => number | undefined,
): Line {
  const points = epochs.flatMap((epoch) => {
    const y = of(epoch)
    return y !== undefined && Number.isFinite(y) ? [{ x: epoch.epoch, y }] : []
  })
  return { name, style, points, markers: points.length <= 40 }
}

function described({ name, points }: Line, format: (value: number) => string): string {
  const [first, last] = [points[0].y ?? Number.NaN, points.at(-1)?.y ?? Number.NaN]
  return `${name}: ${format(first)} in epoch ${points[0].x}, ${format(last)} in epoch ${points.at(-1)?.x}.`
}

/** Whole epochs, about six. */
function epochTicks(last: number): number[] {
  const every = Math.max(1, Math.ceil((last - 1) / 5))
  const ticks = [1]
  for (let tick = every === 1 ? 2 : every; tick <= last; tick += every) if (tick > 1) ticks.push(tick)
  return ticks
}

/** Whether more epochs, or fewer, would have been better. */
export function learningVerdict({ epochs, keptEpoch, settings }: Run): Verdict {
  const judged = epochs.map((epoch) => judgedLoss(settings, epoch)).filter((loss) => !Number.isNaN(loss))
  const what = learnsOrderAlone(settings.loss) ? 'NDCG@10 of the validation groups' : 'validation loss'
  const isValidated = judged.length === epochs.length && epochs.length > 0
  const values = isValidated ? judged : epochs.map(({ loss }) => loss)
  if (epochs.length < 2) return { grade: 'plain', word: 'one epoch', text: 'A single epoch shows no course.' }
  const [before, last] = values.slice(-2)
  const change = (before - last) / Math.max(Math.abs(before), Number.MIN_VALUE)
  if (!isValidated)
    return last < before
      ? {
          grade: 'plain',
          word: 'falling',
          text: 'No rows were held out: whether the model only remembers its training rows is not to be seen here.',
        }
      : {
          grade: 'poor',
          word: 'rising',
          text: 'The training loss rose in the last epoch: try a lower learning rate.',
        }
  const best = 1 + values.indexOf(Math.min(...values))
  const levelled: Verdict = {
    grade: 'good',
    word: 'levelled off',
    text: `The ${what} has levelled off: more epochs will hardly help.`,
  }
  const worse = (last - values[best - 1]) / Math.max(Math.abs(last), Number.MIN_VALUE)
  if (best < epochs.length && worse <= LEVEL) return levelled
  if (best < epochs.length)
    return {
      grade: keptEpoch === best ? 'good' : 'fair',
      word: keptEpoch === best ? 'the best epoch was kept' : 'past its best',
      text: `The ${what} was best in epoch ${best} of ${epochs.length}. Later epochs only learned the training rows by heart${keptEpoch === best ? '.' : `, but epoch ${keptEpoch} was kept: see --keep best.`}`,
    }
  return change > LEVEL
    ? {
        grade: 'fair',
        word: 'still improving',
        text: `The ${what} improved by ${formatShare(change)} in the last epoch: more epochs may help.`,
      }
    : levelled
}
