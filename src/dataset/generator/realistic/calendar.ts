import type { Random } from '../../../random.ts'
import { cumulative, drawIndex } from './draw.ts'
import { HOUR_SHARES } from './effects.ts'

/** When clicks are made, in days since 1970: 60 days of training clicks, then 7 of test clicks. */
export const FIRST_DAY = Date.UTC(2026, 0, 1) / 86_400_000
export const DAYS = {
  train: { first: FIRST_DAY, count: 60 },
  test: { first: FIRST_DAY + 60, count: 7 },
} as const

const HOUR_SUMS = cumulative(HOUR_SHARES)

export function drawHour(random: Random): number {
  return drawIndex(random, HOUR_SUMS)
}

/** Some second of an hour, in microseconds since 1970. */
export function drawTimeUs(random: Random, day: number, hour: number): bigint {
  return BigInt((day * 24 + hour) * 3600 + random.below(3600)) * 1_000_000n
}
