/** Rows that one statement reads at most. */
export const RANGE_ROWS_MAX = 2 ** 18
/** Of longer row groups too much would be unpacked once more for each of their ranges. */
const GROUP_ROWS_MAX = 2 ** 20

/** Rows of a file, by their numbers. */
export interface RowRange {
  start: number
  end: number // exclusive
}

/**
 * Ranges of at most `RANGE_ROWS_MAX` rows that cover row groups of these lengths: short ones are joined, long
 * ones are cut into parts of about the same length. Undefined: one is too long for that.
 */
export function rowRanges(groupRows: readonly number[]): RowRange[] | undefined {
  const ranges: RowRange[] = []
  let start = 0
  let end = 0
  const cutAt = (at: number) => {
    if (at > start) ranges.push({ start, end: at })
    start = at
  }
  for (const rows of groupRows) {
    if (rows > GROUP_ROWS_MAX) return undefined
    if (end - start + rows > RANGE_ROWS_MAX) cutAt(end)
    end += rows
    for (let left = Math.ceil(rows / RANGE_ROWS_MAX); left > 1; left--)
      cutAt(start + Math.ceil((end - start) / left))
  }
  cutAt(end)
  return ranges
}
