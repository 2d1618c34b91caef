import { formatFigure } from '../../../format.ts'
import type { EvaluationMetrics } from '../../../metrics/clickMetrics.ts'
import type { OrderMeasure } from '../../../metrics/orderMeasures.ts'
import { type OrderJudgement, RANKINGS } from '../../../metrics/orderSums.ts'
import { tablePanel } from '../../../report/dataTable.ts'
import { type Dot, dotChart } from '../../../report/dotChart.ts'
import { type Markup, markup } from '../../../report/markup.ts'
import { cards, figure, paragraph, unbroken, verdictText } from '../../../report/page.ts'
import { MEASURE_NAMES, orderCells, RANKING_NAMES, unitsText } from '../judgementTables.ts'
import type { Ceiling } from '../reportTables.ts'
import { accuracyVerdict, logLossVerdict, orderVerdict } from './verdicts.ts'

const SHOWN = ['ndcg10', 'mrr', 'gauc'] as const satisfies OrderMeasure[]

/** The model's order beside simple ones, by group or user. */
export function orderFigures(judgement: OrderJudgement, what: 'group' | 'user'): Markup {
  const pictures = SHOWN.flatMap((measure) => {
    const dots = dotsOf(judgement, measure)
    if (dots.length === 0) return []
    const name = MEASURE_NAMES[measure]
    return [
      figure({
        heading: `${name} by ${what}`,
        picture: dotChart({
          id: `${measure}-${what}`,
          title: `${name} by ${what} of the model and of simple orders`,
          description: dots.map((dot) => `${dot.name}: ${dot.value.toFixed(4)}.`).join(' '),
          axis: { label: `${name}, higher is better`, format: formatFigure },
          format: (value) => value.toFixed(4),
          dots,
        }),
      }),
    ]
  })
  return markup`${verdictText(orderVerdict(judgement))}${cards(...pictures)}${tablePanel({ ...orderCells(judgement), caption: `Order by ${what}` })}${paragraph(markup`<span class="quiet">${unbroken(`${unitsText(judgement, what)}. Lines around a dot are 95 % intervals by ${what}.`)}</span>`)}`
}

function dotsOf({ rankings }: OrderJudgement, measure: OrderMeasure): Dot[] {
  return RANKINGS.flatMap((ranking) => {
    const estimate = rankings[ranking]?.[measure]
    return estimate
      ? [{ name: RANKING_NAMES[ranking], ...estimate, style: ranking === 'model' ? 1 : 2 } satisfies Dot]
      : []
  })
}

/** The model beside rules that need none, and the best possible. */
export function simpleRules(test: EvaluationMetrics, { bayesAccuracy, bayesLogLoss }: Ceiling): Markup {
  const always = test.normalizedEntropy ? test.logLoss / test.normalizedEntropy : null
  const accuracy = dotsFor([
    ['model', test.accuracy, 1],
    ['always the more frequent answer', test.majorityAccuracy, 2],
    ['best possible', bayesAccuracy, 3],
  ])
  const loss = dotsFor([
    ['model', test.logLoss, 1],
    ['always the click rate', always, 2],
    ['best possible', bayesLogLoss, 3],
  ])
  const picture = (id: string, name: string, side: string, all: Dot[]) =>
    dotChart({
      id,
      title: `${name} of the model and of simple rules`,
      description: all.map((dot) => `${dot.name}: ${dot.value.toFixed(4)}.`).join(' '),
      axis: { label: `${name}, ${side} is better`, format: formatFigure },
      format: (value) => value.toFixed(4),
      dots: all,
    })
  return cards(
    figure({
      heading: 'Log loss beside simple rules',
      verdict: logLossVerdict(test),
      picture: picture('rules-loss', 'log loss', 'lower', loss),
    }),
    figure({
      heading: 'Accuracy beside simple rules',
      verdict: accuracyVerdict(test, bayesAccuracy),
      picture: picture('rules-accuracy', 'accuracy', 'higher', accuracy),
    }),
  )
}

function dotsFor(all: [name: string, value: number | null, style: Dot['style']][]): Dot[] {
  return all.flatMap(([name, value, style]) => (value === null ? [] : [{ name, value, style }]))
}
