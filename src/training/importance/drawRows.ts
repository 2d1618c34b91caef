import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { type RowOrder, trainingRows } from '../rows/rowStream.ts'

/** A set of fewer rows is used several times over, each time with other donors. */
const DRAWS_MIN = 500_000
const REPEATS_MAX = 10

/** Rows of a pack that are drawn at random, and how often each of them meets a donor. */
export interface DrawnRows {
  rows: number
  repeats: number
  /** An order of these rows at random; every `pass`, from 0 on, has another one. */
  orderOf: (pass: number) => RowOrder
}

/**
 * Each row of the pack is drawn with the same probability, so that about `rowsMax` are, or all if there are
 * no more. Cost: 2 ns a row if not all are.
 */
export function drawRows(
  pack: PackedRows,
  { rows: rowsMax, seed }: { rows: number; seed: number },
): DrawnRows {
  const all = pack.rows <= rowsMax
  const share = all ? 0 : rowsMax / pack.rows
  const order = { shuffle: true, seed, validation: share, select: all ? 'all' : 'validation' } as const
  const others = all ? 0 : trainingRows(pack, order).reduce((sum, rows) => sum + rows, 0)
  const rows = pack.rows - others
  const repeats = Math.max(1, Math.min(REPEATS_MAX, Math.floor(Math.min(rowsMax, DRAWS_MIN) / rows)))
  return { rows, repeats, orderOf: (pass) => ({ ...order, epoch: 1 + pass }) }
}
