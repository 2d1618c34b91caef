import type { FeaturesOf, PairFeature, RateFeature } from '../featureSpec.ts'
import { combine } from './combination.ts'
import type { EncodedPair, EncodePair } from './encodedPair.ts'
import { type CodeOperand, codeOperand, operandsOf } from './operands.ts'

/**
 * The logit of the rate and log(1 + rows) of a code's rows, from `table`: [buckets, 2]. null: the rates are
 * yet to be counted, and the number of the code or of the combination comes first, as a word.
 */
export function encodeRate(
  pair: RateFeature,
  features: FeaturesOf,
  pairNumbers: number,
  table: Float32Array | null,
): EncodePair {
  const operands = operandsOf(pair).map(([of, name]) => codeOperand(features, of, name, pairNumbers)!)
  const [a, b, c] = operands as (CodeOperand | undefined)[]
  const combined = combine(pair)
  return ({ f32, u32 }, number, _, rows) => {
    const bucket = combined(codeOf(a, rows), codeOf(b, rows), codeOf(c, rows))
    if (table === null) {
      u32[number] = bucket
      u32[number + 1] = 0
    } else {
      f32[number] = table[2 * bucket]
      f32[number + 1] = table[2 * bucket + 1]
    }
  }
}

function codeOf(operand: CodeOperand | undefined, rows: EncodedPair): number {
  if (operand === undefined) return 0
  const { u32, at } = rows[operand.of]
  return u32[at + operand.at]
}

/** [buckets, 2]: the two numbers of each. null: the pair is no rate, or its rows are not counted yet. */
export function rateTable(pair: PairFeature): Float32Array | null {
  if (pair.kind !== 'rate' || pair.rows.length === 0) return null
  const { rows, clicks, prior } = pair
  const numbers = rateNumbers({ rows: sumOf(rows), clicks: sumOf(clicks), prior })
  const table = new Float32Array(2 * rows.length)
  for (let i = 0; i < rows.length; i++) table.set(numbers(rows[i], clicks[i]), 2 * i)
  return table
}

/**
 * From the rows of a code, and those of them that were clicked, to its two numbers. `rows`, `clicks`: of all
 * codes; their rate is what a code has that no row is of.
 */
export function rateNumbers(all: {
  rows: number
  clicks: number
  prior: number
}): (rows: number, clicks: number) => [logit: number, logRows: number] {
  const mean = (all.clicks + 0.5) / (all.rows + 1) // neither 0 nor 1
  return (rows, clicks) => {
    const rate = (clicks + all.prior * mean) / (rows + all.prior)
    return [Math.log(rate / (1 - rate)), Math.log1p(rows)]
  }
}

/** A rate whose rows are to be counted; any other pair as it is. */
export function uncounted(pair: PairFeature): PairFeature {
  return pair.kind === 'rate' ? { ...pair, rows: [], clicks: [] } : pair
}

export function sumOf(counts: readonly number[] | Uint32Array): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

/** What is wrong with the counts of a rate, as a part of a sentence; undefined: nothing. */
export function rateProblem({ name, rows, clicks, buckets }: RateFeature): string | undefined {
  if (rows.length !== buckets || clicks.length !== buckets)
    return `the rate ${name} must have ${buckets} counts of rows and of clicks, found ${rows.length} and ${clicks.length}`
  const bad = clicks.findIndex((count, i) => count > rows[i])
  return bad < 0
    ? undefined
    : `the rate ${name} must have no more clicks than rows, found ${clicks[bad]} of ${rows[bad]}`
}
