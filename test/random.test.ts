import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../src/random.ts'

/** A generator whose next 32 bits are given. */
class Given extends Random {
  readonly #values: number[]

  constructor(values: number[]) {
    super(0)
    this.#values = values
  }

  override uint32(): number {
    return this.#values.shift() ?? assert.fail('more bits were drawn than there should')
  }
}

test('below is the remainder of the drawn bits, and draws anew where the last, incomplete bound begins', () => {
  const random = new Random(3)
  const bounds = [1, 2, 3, 7, 2048, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32]
  for (let i = 0; i < 2000; i++) bounds.push(1 + (random.uint32() >>> (i % 32)))
  for (const bound of bounds) {
    const limit = 2n ** 32n - (2n ** 32n % BigInt(bound))
    const near = [0, bound - 1, bound, 2 * bound - 1, 2 * bound, Number(limit) - 1]
    const values = [...near, random.uint32()].filter((value) => value < limit)
    for (const value of values)
      assert.equal(
        new Given([value]).below(bound),
        Number(BigInt(value) % BigInt(bound)),
        `${value} ${bound}`,
      )
    if (limit < 2n ** 32n) assert.equal(new Given([Number(limit), 2 ** 32 - 1, 0]).below(bound), 0)
  }
})
