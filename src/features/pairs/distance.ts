import { DISTANCE_BUCKETS, FIRST_CODE, MISSING_CODE } from '../rowShape.ts'
import type { Words } from '../encodeRow.ts'
import type { EncodedPair } from './encodedPair.ts'

const FIRST_EDGE_M = 100 // of the second bucket; each further one is √2 times as far away
const LAST_RATIO = 2 ** ((DISTANCE_BUCKETS - 2) / 2) // of the last bucket's edge to the first one

/** log(1 + metres), 1 if it is not known, and the bucket. */
export function encodeDistance(
  { f32, u32 }: Words,
  number: number,
  code: number,
  { distanceM }: EncodedPair,
): void {
  const isKnown = distanceM >= 0
  f32[number] = isKnown ? Math.log1p(distanceM) : 0
  f32[number + 1] = isKnown ? 0 : 1
  u32[code] = isKnown ? FIRST_CODE + bucketOf(distanceM) : MISSING_CODE
}

/** 1 + ⌊2·log2(metres / FIRST_EDGE_M)⌋, without a logarithm. */
function bucketOf(distanceM: number): number {
  const ratio = distanceM / FIRST_EDGE_M
  if (ratio < 1) return 0
  if (ratio >= LAST_RATIO) return DISTANCE_BUCKETS - 1
  const doublings = 31 - Math.clz32(ratio)
  return 1 + 2 * doublings + (ratio >= Math.SQRT2 * (1 << doublings) ? 1 : 0)
}
