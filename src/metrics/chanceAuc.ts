import { Z_95 } from './wilson.ts'

/**
 * Where the AUC of scores that say nothing lies in 95 % of all samples of so many independent rows (Mann and
 * Whitney 1947). 0 to 1 without a click, or without another row.
 */
export function chanceAuc(rows: number, clickRate: number): { low: number; high: number } {
  const clicks = Math.round(rows * clickRate)
  const half = Z_95 * Math.sqrt((rows + 1) / (12 * clicks * (rows - clicks)))
  return { low: Math.max(0, 0.5 - half), high: Math.min(1, 0.5 + half) }
}
