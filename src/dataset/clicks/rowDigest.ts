import { type ClickRows, wordsOf } from './rowLayout.ts'

/**
 * The digest of one click, 32 bits. That of many is the sum modulo 2^32, so it is the same in any order: a
 * row lost, used twice or read wrongly shows.
 */
export function rowDigest(user: number, restaurant: number, click: number): number {
  const pair = Math.imul(user + 1, 0x9e3779b1) ^ Math.imul(restaurant + 1, 0x85ebca77)
  return (pair + Math.imul(click + 1, 0xc2b2ae3d)) >>> 0
}

/** The weights of rows as their digests take them; undefined: there are none. */
export function weightBits({ weights }: ClickRows): Uint32Array | undefined {
  return weights && wordsOf(weights)
}

/**
 * The digest of a row with more than a click: of its click and of the words of its context together, and of
 * its click and its weight. `bits`: see `weightBits`.
 */
export function rowDigestAt(
  { users, restaurants, clicks, context }: ClickRows,
  i: number,
  bits: Uint32Array | undefined,
): number {
  const click = rowDigest(users[i], restaurants[i], clicks[i])
  const weight = bits === undefined ? 0 : Math.imul(click ^ bits[i], 0x01000193)
  if (context === undefined) return (click + weight) >>> 0
  const width = context.length / clicks.length
  let hash = click
  for (let k = i * width; k < (i + 1) * width; k++) hash = Math.imul(hash ^ context[k], 0x01000193)
  return (hash + weight) >>> 0
}

/** The sum of the digests of rows `start` … `end − 1`, modulo 2^32. */
export function rowsDigest(rows: ClickRows, start: number, end: number): number {
  const { users, restaurants, clicks } = rows
  const bits = weightBits(rows)
  if (rows.context !== undefined || bits !== undefined) {
    let all = 0
    for (let i = start; i < end; i++) all = (all + rowDigestAt(rows, i, bits)) | 0
    return all >>> 0
  }
  let sum = 0
  for (let i = start; i < end; i++) {
    const pair = Math.imul(users[i] + 1, 0x9e3779b1) ^ Math.imul(restaurants[i] + 1, 0x85ebca77)
    sum = (sum + pair + Math.imul(clicks[i] + 1, 0xc2b2ae3d)) | 0
  }
  return sum >>> 0
}
