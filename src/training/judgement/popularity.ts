import { blockRows, rowBytes } from '../../dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'

/** Rows of the average click rate that each restaurant has beside its own, so that few rows say little. */
const PRIOR_ROWS = 20

/** The smoothed click rate of each restaurant in the rows of a pack. Cost: 3 ns a row, once they are read. */
export async function popularityOf(pack: PackedRows, restaurants: number): Promise<Float32Array> {
  const rows = new Float64Array(restaurants)
  const clicks = new Float64Array(restaurants)
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  for (const [i, block] of pack.blocks.entries()) {
    await pack.readBlockInto(i, bytes)
    const columns = blockRows(pack.plan, bytes.buffer, 0, block.rows)
    countInto(rows, clicks, columns.restaurants, columns.clicks)
  }
  const average = pack.clicks / pack.rows
  return Float32Array.from(rows, (n, i) => (clicks[i] + PRIOR_ROWS * average) / (n + PRIOR_ROWS))
}

function countInto(
  rows: Float64Array,
  clicks: Float64Array,
  restaurants: Uint32Array,
  clicked: Uint8Array,
): void {
  for (let row = 0; row < restaurants.length; row++) {
    rows[restaurants[row]]++
    clicks[restaurants[row]] += clicked[row]
  }
}
