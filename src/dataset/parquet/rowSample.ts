import { ROW_NUMBER, sqlName } from './duckdb.ts'

/** Rows of a file drawn by a hash: about `threshold` of 2^32, evenly from all parts of it. */
export interface RowSample {
  threshold: number // 0 … 2^32
  salt: number // 32 bits: another one draws others
  group: string | null // column whose values are drawn with all their rows; null: by the rows' numbers
}

/** Steps of the golden ratio around a circle: whatever the share, drawn rows are far apart. */
const STEP = 0x9e3779b1

/** SQL that is true for a drawn row. */
export function sampleSql({ threshold, salt, group }: RowSample): string {
  const hash = group === null ? `${ROW_NUMBER}::UBIGINT * ${STEP}` : `hash(${sqlName(group)}) % ${2 ** 32}`
  return `(${hash} + ${salt}) % ${2 ** 32} < ${threshold}`
}

/** By rows' numbers: the first drawn row from `row` on; `end`: there is none before. */
export function firstDrawn({ threshold, salt }: RowSample, row: number, end: number): number {
  let next = row
  while (next < end && (Math.imul(next, STEP) + salt) >>> 0 >= threshold) next++
  return next
}
