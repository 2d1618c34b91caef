import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { DatasetOptions } from '../options.ts'
import { arrayOf, isNullAt, sqlName, validBits } from '../parquet/duckdb.ts'
import { cellText, type ParquetFile } from '../parquet/parquetFile.ts'
import { checkNumeric } from '../tables/featureColumns.ts'

/** Propensities below this count as this much, so that no row counts more than 20 times its weight. */
export const PROPENSITY_MIN = 0.05
/** A weight at most; with any `propensityMin` a float32 holds what it becomes, and the sum of any rows. */
const WEIGHT_MAX = 1e15

/** What a training row counts: its weight over its propensity, which is clipped. */
export interface WeightPlan {
  weight: string | null // column; null: each row has the weight 1
  propensity: string | null // column; null: each row has the propensity 1
  propensityMin: number
}

/** Null: each row counts once. @throws NearrankError USAGE for a bound of nothing. */
export function weightPlan(
  options: Pick<DatasetOptions, 'weightColumn' | 'propensityColumn' | 'propensityMin'>,
): WeightPlan | null {
  const { weightColumn: weight, propensityColumn: propensity, propensityMin } = options
  if (propensityMin !== undefined && propensity === undefined)
    throw new NearrankError(
      'USAGE',
      'Cannot use propensityMin without propensityColumn; give both, or neither',
    )
  if (weight === undefined && propensity === undefined) return null
  return {
    weight: weight ?? null,
    propensity: propensity ?? null,
    propensityMin: propensityMin ?? PROPENSITY_MIN,
  }
}

/** The columns of a plan that there are. */
function columnsOf({ weight, propensity }: WeightPlan): string[] {
  return [weight, propensity].filter((name) => name !== null)
}

/** @throws NearrankError INPUT if a column is missing or holds no numbers. */
export function checkWeights(file: ParquetFile, plan: WeightPlan): void {
  for (const name of columnsOf(plan)) checkNumeric(file, name)
}

const [WRONG_WEIGHT, WRONG_PROPENSITY] = [-1, -2] // in place of a row's weight

/** SQL for the weight of a row as float32, null if one of its columns is; below 0 if one is wrong. */
export function weightSql(plan: WeightPlan): string {
  const [weight, propensity] = [plan.weight, plan.propensity].map((name) =>
    name === null ? '1.0::DOUBLE' : `${sqlName(name)}::DOUBLE`,
  )
  const nulls = columnsOf(plan).map((name) => `${sqlName(name)} IS NULL`)
  // To DuckDB, NaN is above every number.
  return `CASE WHEN ${nulls.join(' OR ')} THEN NULL
    WHEN NOT (${weight} >= 0 AND ${weight} <= ${WEIGHT_MAX}) THEN ${WRONG_WEIGHT}
    WHEN NOT (${propensity} > 0 AND ${propensity} <= 1) THEN ${WRONG_PROPENSITY}
    ELSE ${weight} / greatest(${propensity}, ${plan.propensityMin}::DOUBLE) END::FLOAT`
}

/** The first of a chunk's weights that is wrong; −1: none is. */
export function firstWrongWeight(vector: DuckDBVector): number {
  const weights = arrayOf(vector) as Float32Array
  const bits = validBits(vector)
  for (let i = 0; i < weights.length; i++) if (weights[i] < 0 && !isNullAt(bits, i)) return i
  return -1
}

/** What is said of a wrong weight; `found`: what stands in its place. */
export async function wrongWeight(
  connection: DuckDBConnection,
  { weight, propensity }: WeightPlan,
  file: ParquetFile,
  { row, found }: { row: number; found: number },
): Promise<NearrankError> {
  const isWeight = found === WRONG_WEIGHT
  const column = (isWeight ? weight : propensity)!
  const value = await cellText(connection, file, column, row)
  const wanted = isWeight ? 'a weight from 0 to 1e15' : 'a propensity above 0 and at most 1'
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${column} must hold ${wanted} in every row, row ${row} holds ${value}`,
  )
}

/** What is said of a null in one of the columns. */
export async function missingWeight(
  connection: DuckDBConnection,
  plan: WeightPlan,
  file: ParquetFile,
  row: number,
): Promise<NearrankError> {
  let [column] = columnsOf(plan)
  for (const name of columnsOf(plan))
    if ((await cellText(connection, file, name, row)) === 'null') column = name
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${column} must hold a number in every row, row ${row} holds null; leave such clicks out with onMissing 'drop' (--on-missing drop)`,
  )
}
