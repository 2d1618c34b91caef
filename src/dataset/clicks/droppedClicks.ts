import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import { isNullAt, validBits, wordsOf } from '../parquet/duckdb.ts'
import { type ColumnChunk, fileRow } from '../parquet/columnStream.ts'
import { cellText, type ParquetFile } from '../parquet/parquetFile.ts'
import { NO_ROW } from '../tables/idIndex.ts'
import { missingLabel } from './labels.ts'
import type { ClickRows } from './rowLayout.ts'
import type { ClickSide, ClickVectors, IdVectors, RowsPlan } from './rowsPlan.ts'
import { missingWeight } from './weightPlan.ts'

/** How many clicks were left out, by reason. */
export interface DroppedClicks {
  noFeatures: number // of the user or the restaurant
  nulls: number // in place of an id, the label, the weight or the group
  badPlace: number // the restaurant was left out for its place
  noTime?: number // to split the clicks by; absent: 0
}

/** A chunk of clicks that are looked up: NO_ROW where there are no features. */
export interface ClickChunk extends Pick<ColumnChunk, 'rowStart' | 'fileRows'> {
  file: ParquetFile
  rowCount: number
  vectors: ClickVectors
  rows: ClickRows
}

/** The counts in words, without those that are 0; '' if all are. */
export function droppedText({ noFeatures, nulls, badPlace, noTime = 0 }: DroppedClicks): string {
  return [
    noFeatures > 0 ? `${formatCount(noFeatures)} without features` : '',
    nulls > 0 ? `${formatCount(nulls)} without an id, a label, a weight or a group` : '',
    noTime > 0 ? `${formatCount(noTime)} without a time` : '',
    badPlace > 0 ? `${formatCount(badPlace)} on restaurants without a valid place` : '',
  ]
    .filter((text) => text !== '')
    .join(', ')
}

/** Of a pack: without reasons, all were dropped because features were missing. */
export function reasonsOf(pack: { dropped: number; droppedBecause?: DroppedClicks }): DroppedClicks {
  return pack.droppedBecause ?? { noFeatures: pack.dropped, nulls: 0, badPlace: 0 }
}

const REASONS = ['noFeatures', 'nulls', 'badPlace'] as const
const [KEPT, NO_FEATURES, NULL, BAD_PLACE] = [0, 1, 2, 3] // 1 more than the number of a reason

/**
 * Which clicks of a chunk are kept, and of the others, how many are dropped for each reason. Only for chunks
 * with a null or with a click without features, so that clean data does not pay for it.
 * @throws NearrankError INPUT for a click that may not be dropped.
 */
export async function sortOut(
  connection: DuckDBConnection,
  plan: RowsPlan,
  chunk: ClickChunk,
): Promise<{ order: Uint32Array; dropped: DroppedClicks }> {
  const why = new Uint8Array(chunk.rowCount)
  markNulls(why, chunk)
  markPlaceless(why, plan.restaurant, chunk)
  const { users, restaurants } = chunk.rows
  for (let i = 0; i < chunk.rowCount; i++)
    if (why[i] === KEPT && (users[i] === NO_ROW || restaurants[i] === NO_ROW)) why[i] = NO_FEATURES

  const bad = why.findIndex((reason) => reason === NULL || reason === NO_FEATURES)
  if (bad >= 0 && plan.onMissing === 'fail')
    throw why[bad] === NULL
      ? await missingValue(connection, plan, chunk, bad)
      : await withoutFeatures(connection, plan, chunk, bad)

  const dropped: DroppedClicks = { noFeatures: 0, nulls: 0, badPlace: 0 }
  const order = new Uint32Array(chunk.rowCount)
  let kept = 0
  for (let i = 0; i < chunk.rowCount; i++)
    if (why[i] === KEPT) order[kept++] = i
    else dropped[REASONS[why[i] - 1]]++
  return { order: order.subarray(0, kept), dropped }
}

/** Marks what is null, and takes the row away from ids that have no key at all. */
function markNulls(why: Uint8Array, { vectors, rows }: ClickChunk): void {
  const clicks = validBits(vectors.clicks)
  const [groups, weights] = [vectors.groups, vectors.weights].map((vector) => vector && validBits(vector))
  for (let i = 0; i < why.length; i++)
    if (isNullAt(clicks, i) || isNullAt(groups ?? null, i) || isNullAt(weights ?? null, i)) why[i] = NULL
  for (const side of ['users', 'restaurants'] as const) {
    const keys = validBits(vectors[side].keys)
    for (let i = 0; i < why.length; i++) {
      if (!isNullAt(keys, i)) continue
      if (isNullId(vectors[side], i)) why[i] = NULL
      else rows[side][i] = NO_ROW // an id of more bits than the table's
    }
  }
}

function markPlaceless(why: Uint8Array, { placeless }: ClickSide, { vectors }: ClickChunk): void {
  if (!placeless) return
  const bits = validBits(vectors.restaurants.keys)
  const found = new Uint32Array(why.length)
  placeless.lookupInto(wordsOf(vectors.restaurants.keys), why.length, found)
  for (let i = 0; i < why.length; i++)
    if (why[i] === KEPT && found[i] !== NO_ROW && !isNullAt(bits, i)) why[i] = BAD_PLACE
}

function isNullId({ keys, isNull }: IdVectors, i: number): boolean {
  return isNullAt(validBits(keys), i) && (isNull === undefined || isNull.getItem(i) === true)
}

/** What is said of a click with a null. */
async function missingValue(
  connection: DuckDBConnection,
  plan: RowsPlan,
  { file, vectors, ...chunk }: ClickChunk,
  i: number,
): Promise<NearrankError> {
  const row = fileRow(chunk, i)
  if (isNullAt(validBits(vectors.clicks), i)) return missingLabel(connection, plan, file, row)
  const side = [plan.user, plan.restaurant].find((_, k) =>
    isNullId(k === 0 ? vectors.users : vectors.restaurants, i),
  )
  const isWeight = vectors.weights !== undefined && isNullAt(validBits(vectors.weights), i)
  if (!side && isWeight) return missingWeight(connection, plan.weights!, file, row)
  const column = side?.column ?? plan.group
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${column} must hold an id in every row, row ${row} holds null; leave such clicks out with onMissing 'drop' (--on-missing drop)`,
  )
}

async function withoutFeatures(
  connection: DuckDBConnection,
  plan: RowsPlan,
  { file, rows, ...chunk }: ClickChunk,
  i: number,
): Promise<NearrankError> {
  const side = rows.users[i] === NO_ROW ? plan.user : plan.restaurant
  const row = fileRow(chunk, i)
  const id = await cellText(connection, file, side.column, row)
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: ${side.column} ${id} in row ${row} has no features in ${side.table}; add them, or leave such clicks out with onMissing 'drop' (--on-missing drop)`,
  )
}
