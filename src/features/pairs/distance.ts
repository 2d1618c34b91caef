import { DISTANCE_BUCKETS, FIRST_CODE, MISSING_CODE } from '../rowShape.ts'
import type { Words } from '../encodeRow.ts'
import type { EncodedPair } from './encodedPair.ts'

const FIRST_EDGE_M = 100 // of the second bucket; each further one is √2 times as far away

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

function bucketOf(distanceM: number): number {
  if (distanceM < FIRST_EDGE_M) return 0
  return Math.min(DISTANCE_BUCKETS - 1, 1 + Math.floor(2 * Math.log2(distanceM / FIRST_EDGE_M)))
}
