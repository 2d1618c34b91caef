import assert from 'node:assert/strict'
import { Random } from '../../src/random.ts'
import { Arena, type Block, uniform } from './arena.ts'
import { type Build, judge } from './judge.ts'

const up4 = (count: number) => Math.ceil(count / 4) * 4

export interface Rows {
  users: number[] // row numbers of the user table
  restaurants: number[]
  clicks: number[]
}

interface Options {
  userCount: number
  restaurantCount: number
  slack: number // 0: the narrowest ldx and strides
  padding: number // rows of zeros behind the last
}

export const USERS = 23
export const RESTAURANTS = 11

/** A table as the trainer keeps it: rows padded with zeros to the stride. */
function table(arena: Arena, fill: () => number, rows: number, features: number, stride: number): Block {
  const block = arena.matrix(() => 0, rows, stride)
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < features; i++) arena.f32[block.at / 4 + row * stride + i] = fill()
  return block
}

export function judgeGather(
  build: Build,
  rows: Rows,
  { userCount, restaurantCount, slack, padding }: Options,
): number {
  const random = new Random(userCount, restaurantCount, slack)
  const ldx = up4(Math.max(userCount + up4(restaurantCount), userCount + restaurantCount + 1)) + 4 * slack
  const rowsPadded = rows.users.length + padding
  const arena = new Arena(1 << 14)
  const userTable = table(arena, uniform(random), USERS, userCount, up4(userCount) + 4 * slack)
  const restaurantTable = table(
    arena,
    uniform(random),
    RESTAURANTS,
    restaurantCount,
    up4(restaurantCount) + 4 * slack,
  )
  const users = arena.words(rows.users)
  const restaurants = arena.words(rows.restaurants)
  const clicks = arena.bytes(rows.clicks)
  const x = arena.empty(rowsPadded, ldx)
  const { returned, after } = judge(build, arena, [{ ...x, name: 'X' }], (k) =>
    k.gather(
      ...([x.at, ldx, users, restaurants, clicks, rows.users.length, rowsPadded] as const),
      ...([userTable.at, userTable.stride, userCount] as const),
      ...([restaurantTable.at, restaurantTable.stride, restaurantCount] as const),
    ),
  )
  // Each row once more, as lists: neither kernel nor twin.
  const f32 = new Float32Array(after)
  const slice = (block: Block, row: number, width: number) => {
    const at = block.at / 4 + row * block.stride
    return [...f32.subarray(at, at + width)]
  }
  for (let row = 0; row < rowsPadded; row++) {
    const inside = row < rows.users.length
    const features = inside
      ? [
          ...slice(userTable, rows.users[row], userCount),
          ...slice(restaurantTable, rows.restaurants[row], restaurantCount),
          1,
        ]
      : []
    const expected = [...features, ...Array.from({ length: ldx - features.length }, () => 0)]
    assert.deepEqual(slice(x, row, ldx), expected, `row ${row}`)
  }
  return returned as number
}
