import { formatCount, formatPercent, formatSeconds } from '../../format.ts'
import type { Comparison } from '../../training/compare.ts'
import {
  COMPARED_MEASURES,
  type ComparedMeasure,
  isBetter,
  type MeasureDifference,
  type ModelDifference,
  type SliceDifference,
} from '../../training/judgement/differences.ts'
import { MEASURE_NAMES, signed } from '../../training/report/judgementTables.ts'
import { type Alignment, renderTable } from './table.ts'

const ALIGNMENTS: Alignment[] = ['left', 'right', 'right', 'right', 'right', 'left']

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
    return [[MEASURE_NAMES[measure], ...differenceCells(measure, one)]]
  })
  const table = renderTable(['', 'first', 'other', 'difference', '95 % interval', ''], rows, ALIGNMENTS)
  const parts = [`first: ${first}\nother: ${model}`, table, ...renderSlices(found.slices), verdict(found)]
  return parts.join('\n\n')
}

/** NDCG@10 of each value. */
function renderSlices(slices: readonly SliceDifference[]): string[] {
  return Array.from(new Set(slices.map(({ slice }) => slice)), (name) => {
    const rows = slices.flatMap(({ slice, is, value, measures: { ndcg10 } }) =>
      slice === name && ndcg10 ? [[value ?? `(${is})`, ...differenceCells('ndcg10', ndcg10)]] : [],
    )
    return renderTable([name, 'first NDCG@10', 'other', 'difference', '95 % interval', ''], rows, ALIGNMENTS)
  })
}

function differenceCells(measure: ComparedMeasure, found: MeasureDifference): string[] {
  const { value, low, high } = found.difference
  const better = isBetter(measure, found)
  return [
    found.first.toFixed(5),
    found.other.toFixed(5),
    signed(value),
    `${signed(low)} to ${signed(high)}`,
    better === null ? '' : better ? 'better' : 'worse',
  ]
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
