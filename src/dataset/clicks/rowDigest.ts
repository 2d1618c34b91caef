import type { ClickRows } from './rowLayout.ts'

/**
 * The digest of one click, 32 bits. That of many is the sum modulo 2^32, so it is the same in any order: a
 * row lost, used twice or read wrongly shows.
 */
export function rowDigest(user: number, restaurant: number, click: number): number {
  const pair = Math.imul(user + 1, 0x9e3779b1) ^ Math.imul(restaurant + 1, 0x85ebca77)
  return (pair + Math.imul(click + 1, 0xc2b2ae3d)) >>> 0
}

/** The sum of the digests of rows `start` … `end − 1`, modulo 2^32. */
export function rowsDigest({ users, restaurants, clicks }: ClickRows, start: number, end: number): number {
  let sum = 0
  for (let i = start; i < end; i++) {
    const pair = Math.imul(users[i] + 1, 0x9e3779b1) ^ Math.imul(restaurants[i] + 1, 0x85ebca77)
    sum = (sum + pair + Math.imul(clicks[i] + 1, 0xc2b2ae3d)) | 0
  }
  return sum >>> 0
}
