import { formatCount, formatPercent, formatSeconds } from '../../format.ts'
import type { Comparison } from '../../training/compare.ts'
import { COMPARED_MEASURES, isBetter, type ModelDifference } from '../../training/judgement/differences.ts'
import { MEASURE_NAMES, signed } from '../../training/report/judgementTables.ts'
import { renderTable } from './table.ts'

/** What a person sees of a comparison: a table for each model but the first, and which is better. */
export function renderComparison({ by, units, share, rows, differences, seconds }: Comparison): string {
  const some = share < 1 ? ` (${formatPercent(share)} of the users)` : ''
  const basis = `${formatCount(rows)} test clicks of ${formatCount(units)} ${by}s${some}, in ${formatSeconds(seconds)}`
  return [...differences.map(renderDifference), basis].join('\n\n')
}

function renderDifference(found: ModelDifference): string {
  const { model, first, measures } = found
  const rows = COMPARED_MEASURES.flatMap((measure) => {
    const one = measures[measure]
    if (!one) return []
    const { value, low, high } = one.difference
    const better = isBetter(measure, one)
    return [
      [
        MEASURE_NAMES[measure],
        one.first.toFixed(5),
        one.other.toFixed(5),
        signed(value),
        `${signed(low)} to ${signed(high)}`,
        better === null ? '' : better ? 'better' : 'worse',
      ],
    ]
  })
  const table = renderTable(['', 'first', 'other', 'difference', '95 % interval', ''], rows, [
    'left',
    'right',
    'right',
    'right',
    'right',
    'left',
  ])
  return `first: ${first}\nother: ${model}\n\n${table}\n\n${verdict(found)}`
}

/** The one sentence that answers the question. NDCG@10 decides: it is what people see of a list. */
function verdict({ model, first, measures: { ndcg10 } }: ModelDifference): string {
  if (!ndcg10) return `Whether ${model} is better than ${first} cannot be told: no click is in any list.`
  const { value, low, high } = ndcg10.difference
  const better = isBetter('ndcg10', ndcg10)
  const figures = `its NDCG@10 differs by ${signed(value)}, 95 % interval ${signed(low)} to ${signed(high)}`
  if (better === null)
    return `Whether ${model} is better than ${first} cannot be told: ${figures}, which holds 0.`
  return `${model} is ${better ? 'better' : 'worse'} than ${first}: ${figures}, which does not hold 0.`
}
