import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ClickRows } from '../../src/dataset/clicks/rowLayout.ts'
import { rowsDigest } from '../../src/dataset/clicks/rowDigest.ts'
import { bindKernels, compileKernels, createMemory } from '../../src/kernels/kernels.ts'
import { bindNative } from '../../src/kernels/native.ts'
import { Random } from '../../src/random.ts'
import { Arena } from './arena.ts'
import { ARENA_BYTES, builds, judge, nativeFamilies } from './judge.ts'
import { type Rows, USERS, RESTAURANTS, judgeGather } from './gatherCase.ts'

const low = (x: bigint) => BigInt.asUintN(32, x)
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
    test(`gather ${build.name}: 1 to 17 and 1 to 9 features, ${slack ? 'wide' : 'narrowest'} strides, the same bits`, () => {
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

  test(`gather ${build.name}: the digest is the sum over the rows, in any order, modulo 2^32`, () => {
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

  test(`gatherContext ${build.name}: numbers are normalised, and the digest is that of the rows with their words`, () => {
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
  test(`digestWeights ${build.name}: what the digests of rows with weights have more than those without`, () => {
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

for (const family of nativeFamilies)
  for (const largePages of [true, false])
    test(`gather ${family}, ${largePages ? 'large' : 'small'} pages: what is fetched ahead lies in the memory`, () => {
      const memory = createMemory(ARENA_BYTES)
      const kernels = bindNative(bindKernels(compileKernels('relaxed'), memory), memory, family, largePages)
      const rows = 64
      const words = new Uint32Array(memory.buffer)
      for (const left of [0, 4, 4 * 20, 4 * rows]) {
        const end = ARENA_BYTES - left
        const [users, restaurants] = [end - 8 * rows, end - 4 * rows]
        words.fill(0)
        for (let row = 0; row < rows; row++) {
          words[users / 4 + row] = row % 7
          words[restaurants / 4 + row] = row % 5
        }
        const gather = () => kernels.gather(4096, 12, users, restaurants, 0, rows, rows, 0, 8, 8, 1024, 4, 3)
        const digest = gather()
        for (let call = 0; call < 20; call++) {
          kernels.hidden(32_768, 20, 65_536, 4096, 12, 98_304, 16, 131_072, 131_072, rows, 16, 11) // fetches
          assert.equal(gather(), digest)
        }
      }
    })
