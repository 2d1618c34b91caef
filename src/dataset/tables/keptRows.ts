import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { type ColumnChunk, streamColumns } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, isNullAt, sqlName, validBits, wordsOf } from '../parquet/duckdb.ts'
import { selectItems } from '../parquet/selectItems.ts'
import type { TablePolicies } from '../policies.ts'
import { idKeySql, keyWords } from './idColumn.ts'
import { IdIndex } from './idIndex.ts'
import { duplicateId, firstBadDegree, unusableId } from './tableChecks.ts'
import type { KeyedPlan } from './tablePlan.ts'

/** How many rows of a file are no rows of the table, by reason. */
export interface IgnoredRows {
  duplicateIds: number // another row has the id and is used
  badPlaces: number
  nullIds: number
}

/** The rows of a file that become rows of the table. */
export interface KeptRows {
  rows: Uint32Array // numbers in the file, ascending
  ignored: IgnoredRows
  placelessKeys: Uint32Array // of the restaurants left out for their places, [ignored.badPlaces, words]
}

/** The ids and places of a file. */
interface Scan {
  rows: Uint32Array // those with an id, ascending
  keys: Uint32Array // of these, [rows, words]
  isPlaceless: Uint8Array | undefined // [rows of the file]; undefined: nobody asks
}

/**
 * Applies the policies to the rows of a feature table; undefined where they keep all of them. Reads ids and
 * places once, and nothing at all without policies. Duplicates come first: the place of a row that is not
 * used is of no account.
 * @throws NearrankError INPUT for what no policy allows, or if no row is left.
 */
export async function findKeptRows(
  connection: DuckDBConnection,
  plan: KeyedPlan,
  run: { policies: TablePolicies; signal: AbortSignal | undefined },
): Promise<KeptRows | undefined> {
  const { onMissing, onDuplicate, onBadPlace } = run.policies
  const dropsPlaceless = plan.places !== null && onBadPlace === 'drop'
  if (onMissing === 'fail' && onDuplicate === 'fail' && !dropsPlaceless) return undefined
  const scan = await scanRows(connection, plan, run)
  const isUsed = await withoutDuplicates(connection, plan, scan, onDuplicate)
  const words = keyWords(plan.idKey)
  const ignored: IgnoredRows = { duplicateIds: 0, badPlaces: 0, nullIds: plan.file.rows - scan.rows.length }
  const rows = new Uint32Array(scan.rows.length)
  const placelessKeys: number[] = []
  let kept = 0
  for (let i = 0; i < scan.rows.length; i++) {
    const row = scan.rows[i]
    if (isUsed[i] === 0) ignored.duplicateIds++
    else if (scan.isPlaceless?.[row] === 1) {
      ignored.badPlaces++
      placelessKeys.push(...scan.keys.subarray(i * words, (i + 1) * words))
    } else rows[kept++] = row
  }
  if (kept === plan.file.rows) return undefined
  if (kept === 0)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${plan.file.name}: no rows are left, ${ignored.nullIds} were dropped for ids that are null and ${ignored.badPlaces} for places that are not valid`,
    )
  return { rows: rows.subarray(0, kept), ignored, placelessKeys: Uint32Array.from(placelessKeys) }
}

/** The chunks of a file with only those of its rows that are kept; `kept` undefined: all. */
export async function* keptChunks(
  chunks: AsyncIterable<ColumnChunk>,
  kept: KeptRows | undefined,
): AsyncGenerator<ColumnChunk> {
  let start = 0 // of the kept rows
  for await (const chunk of chunks) {
    if (!kept) {
      yield chunk
      continue
    }
    let end = start
    while (end < kept.rows.length && kept.rows[end] < chunk.rowStart + chunk.rows) end++
    const fileRows = kept.rows.subarray(start, end)
    const order = fileRows.map((row) => row - chunk.rowStart)
    const columns =
      order.length === chunk.rows ? chunk.columns : chunk.columns.map((column) => selectItems(column, order))
    if (order.length > 0) yield { rowStart: start, rows: order.length, columns, fileRows }
    start = end
  }
}

async function scanRows(
  connection: DuckDBConnection,
  plan: KeyedPlan,
  { policies, signal }: { policies: TablePolicies; signal: AbortSignal | undefined },
): Promise<Scan> {
  const { file, idColumn, idKey, places } = plan
  const words = keyWords(idKey)
  const degrees = policies.onBadPlace === 'drop' && places ? places : []
  const rows = new Uint32Array(file.rows)
  const keys = new Uint32Array(file.rows * words)
  const isPlaceless = degrees.length > 0 ? new Uint8Array(file.rows) : undefined
  const expressions = [
    idKeySql(idColumn, idKey),
    `${sqlName(idColumn)} IS NULL`,
    ...degrees.map((name) => `TRY_CAST(${sqlName(name)} AS DOUBLE)`),
  ]
  let count = 0
  for await (const chunk of streamColumns(connection, file, expressions, signal)) {
    const [ids, isNull, ...axes] = chunk.columns
    const chunkKeys = wordsOf(ids)
    const hasNulls = firstNull(ids) >= 0
    const bits = validBits(ids)
    if (!hasNulls) keys.set(chunkKeys, count * words)
    for (let i = 0; i < chunk.rows; i++) {
      if (hasNulls && isNullAt(bits, i)) {
        if (policies.onMissing === 'drop' && isNull.getItem(i) === true) continue
        throw await unusableId(connection, plan, chunk.rowStart + i)
      }
      if (hasNulls) keys.set(chunkKeys.subarray(i * words, (i + 1) * words), count * words)
      rows[count++] = chunk.rowStart + i
    }
    for (const [axis, vector] of axes.entries()) {
      const values = arrayOf(vector) as Float64Array
      for (let i = firstBadDegree(vector, values, axis); i >= 0; ) {
        isPlaceless![chunk.rowStart + i] = 1
        i = firstBadDegree(vector, values, axis, i + 1)
      }
    }
  }
  return { rows: rows.subarray(0, count), keys: keys.subarray(0, count * words), isPlaceless }
}

/** 1 for the rows of a scan to use, 0 for those whose id another row has. @throws NearrankError INPUT */
async function withoutDuplicates(
  connection: DuckDBConnection,
  plan: KeyedPlan,
  { rows, keys }: Scan,
  onDuplicate: TablePolicies['onDuplicate'],
): Promise<Uint8Array> {
  const index = new IdIndex(keys, keyWords(plan.idKey))
  const isUsed = new Uint8Array(rows.length).fill(1)
  const { duplicate } = index
  if (!duplicate) return isUsed
  if (onDuplicate === 'fail')
    throw await duplicateId(connection, plan, rows[duplicate.earlierRow], rows[duplicate.row])
  const first = new Uint32Array(rows.length) // with the same id
  index.lookupInto(keys, rows.length, first)
  const used = new Uint32Array(rows.length) // of the rows with an id, at the first one
  for (let i = 0; i < rows.length; i++) if (onDuplicate === 'last' || first[i] === i) used[first[i]] = i
  for (let i = 0; i < rows.length; i++) isUsed[i] = used[first[i]] === i ? 1 : 0
  return isUsed
}
