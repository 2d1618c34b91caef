import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ClickRows } from '../../src/dataset/clicks/rowLayout.ts'
import { rowsDigest } from '../../src/dataset/clicks/rowDigest.ts'
import { Random } from '../../src/random.ts'
import { Arena, type Block, uniform } from './arena.ts'
import { type Build, builds, judge } from './judge.ts'

const low = (x: bigint) => BigInt.asUintN(32, x)
const up4 = (count: number) => Math.ceil(count / 4) * 4

interface Rows {
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

const USERS = 23
const RESTAURANTS = 11

/** A table as the trainer keeps it: rows padded with zeros to the stride. */
function table(arena: Arena, fill: () => number, rows: number, features: number, stride: number): Block {
  const block = arena.matrix(() => 0, rows, stride)
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < features; i++) arena.f32[block.at / 4 + row * stride + i] = fill()
  return block
}

function judgeGather(
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

function rowsOf(length: number, seed: number): Rows {
  const random = new Random(seed)
  const draw = (bound: number) => Array.from({ length }, () => random.below(bound))
  return { users: draw(USERS), restaurants: draw(RESTAURANTS), clicks: draw(2) }
}

/** The digest with integers of any size: sum over the rows of (u·K1 xor r·K2) + c·K3, all modulo 2^32. */
function digestOf({ users, restaurants, clicks }: Rows): number {
  let sum = 0n
  for (const [i, user] of users.entries()) {
    const ids = low(BigInt(user + 1) * 0x9e3779b1n) ^ low(BigInt(restaurants[i] + 1) * 0x85ebca77n)
    sum = low(sum + ids + BigInt(clicks[i] + 1) * 0xc2b2ae3dn)
  }
  return Number(sum)
}

for (const build of builds) {
  for (const slack of [0, 2])
    test(`gather ${build.simd}: 1 to 17 and 1 to 9 features, ${slack ? 'wide' : 'narrowest'} strides, the same bits`, () => {
      const rows = rowsOf(7, 1)
      for (let userCount = 1; userCount <= 17; userCount++)
        for (let restaurantCount = 1; restaurantCount <= 9; restaurantCount++)
          judgeGather(build, rows, {
            userCount,
            restaurantCount,
            slack,
            padding: (userCount + restaurantCount) % 4,
          })
    })

  test(`gather ${build.simd}: the digest is the sum over the rows, in any order, modulo 2^32`, () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(), fc.nat(5), (more, seed, padding) => {
        const rows = rowsOf(1 + more, seed)
        const options = { userCount: 3, restaurantCount: 2, slack: 0, padding }
        const digest = judgeGather(build, rows, options)
        assert.equal(digest >>> 0, digestOf(rows))
        const reversed = {
          users: rows.users.toReversed(),
          restaurants: rows.restaurants.toReversed(),
          clicks: rows.clicks.toReversed(),
        }
        assert.equal(judgeGather(build, reversed, options), digest)
        const flipped = { ...rows, clicks: rows.clicks.with(more, 1 - rows.clicks[more]) }
        assert.notEqual(judgeGather(build, flipped, options), digest)
      }),
      { seed: 2, numRuns: 60 },
    )
  })

  test(`gatherContext ${build.simd}: numbers are normalised, and the digest is that of the rows with their words`, () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(), fc.nat(5), fc.nat(4), (more, seed, numbers, codes) => {
        const { users, restaurants, clicks } = rowsOf(1 + more, seed)
        const random = new Random(seed, numbers, codes)
        const words = numbers + codes
        const context = users.flatMap(() =>
          Array.from({ length: words }, (_, k) => (k < numbers ? random.normal() : 1 + random.below(99))),
        )
        const arena = new Arena(1 << 14)
        const at = arena.words(
          users.flatMap((_, row) => wordsOf(context.slice(row * words, (row + 1) * words), numbers)),
        )
        const [userRows, restaurantRows] = [arena.words(users), arena.words(restaurants)]
        const clickBytes = arena.bytes(clicks)
        const shift = arena.floats(Array.from({ length: numbers }, () => random.normal()))
        const scale = arena.floats(Array.from({ length: numbers }, () => 1 + random.float()))
        const x = arena.empty(users.length, numbers, numbers + 3)
        const results = numbers > 0 ? [{ ...x, name: 'X', absolute: 1e-6, relative: 1e-6 }] : []
        const { returned } = judge(build, arena, results, (k) =>
          k.gatherContext(
            ...([x.at, x.stride, userRows, restaurantRows, clickBytes, at, words, numbers] as const),
            ...([shift.at, scale.at, users.length] as const),
          ),
        )
        const rows = {
          users: Uint32Array.from(users),
          restaurants: Uint32Array.from(restaurants),
          clicks: Uint8Array.from(clicks),
          ...(words > 0 && { context: arena.u32.slice(at / 4, at / 4 + users.length * words) }),
        }
        assert.equal((returned as number) >>> 0, rowsDigest(rows, 0, users.length))
      }),
      { seed: 3, numRuns: 60 },
    )
  })
}

for (const build of builds)
  test(`digestWeights ${build.simd}: what the digests of rows with weights have more than those without`, () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(), fc.nat(2), (more, seed, words) => {
        const { users, restaurants, clicks } = rowsOf(1 + more, seed)
        const random = new Random(seed, words)
        const arena = new Arena(1 << 13)
        const [userRows, restaurantRows] = [arena.words(users), arena.words(restaurants)]
        const clickBytes = arena.bytes(clicks)
        const weights = arena.floats(users.map(() => (random.below(4) === 0 ? 0 : 20 * random.float())))
        const { returned } = judge(build, arena, [], (k) =>
          k.digestWeights(userRows, restaurantRows, clickBytes, weights.at, users.length),
        )
        const rows = {
          users: Uint32Array.from(users),
          restaurants: Uint32Array.from(restaurants),
          clicks: Uint8Array.from(clicks),
          ...(words > 0 && {
            context: Uint32Array.from({ length: words * users.length }, () => random.uint32()),
          }),
        }
        const own = arena.f32.slice(weights.at / 4, weights.at / 4 + users.length)
        const digest = (extra: Partial<ClickRows>) => rowsDigest({ ...rows, ...extra }, 0, users.length)
        const all = digest({ weights: own })
        assert.equal((all - digest({}) + 2 ** 32) % 2 ** 32, (returned as number) >>> 0)
        // A weight that another row of the same batch had is another digest.
        const exchanged = own.toReversed()
        if (exchanged.some((weight, i) => weight !== own[i]))
          assert.notEqual(digest({ weights: exchanged }), all)
      }),
      { seed: 4, numRuns: 60 },
    )
  })

/** The words of a row: its numbers as float32, then its codes. */
function wordsOf(row: number[], numbers: number): number[] {
  const floats = new Uint32Array(Float32Array.from(row.slice(0, numbers)).buffer)
  return [...floats, ...row.slice(numbers)]
}
