import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { mix32 } from '../../src/random.ts'
import { IdTable } from '../../src/live/idTable.ts'
import type { FeatureId, IdKind } from '../../src/ids.ts'

const INT64_MAX = 2n ** 63n - 1n

// Found among 2^25 strings whose hashes agree in all but what the last character can even out.
const COLLIDING = [
  ['wcwqbax', 'ak87ia\u0738'],
  ['mxtpmax', 'dei7ma\uff42'],
  ['mb4erax', 'qowxra\u07d7'],
]

const nearby = fc.bigInt({ min: -2n, max: 2n })
const integer = fc
  .oneof(
    fc.integer({ min: -20, max: 20 }),
    fc.integer({ min: 390, max: 410 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -INT64_MAX - 1n, max: INT64_MAX }).map(oneForm),
    fc
      .tuple(
        fc.constantFrom(-(2n ** 63n), -(2n ** 53n), -(2n ** 32n), -(2n ** 31n), 0n, 2n ** 31n, 2n ** 32n),
        nearby,
      )
      .map(([edge, step]) => edge + step),
    fc
      .tuple(fc.constantFrom(2n ** 53n, 2n ** 63n - 3n, 2n ** 62n), nearby)
      .map(([edge, step]) => edge + step),
  )
  .filter((id) => BigInt.asIntN(64, BigInt(id)) === BigInt(id))
  .map((id) => oneForm(BigInt(id)))

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '\0', '0') }),
  fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }),
  fc
    .array(fc.nat({ max: 0xffff }), { minLength: 1, maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '',
    ' ',
    '0',
    '42',
    '-1',
    '1e3',
    '__proto__',
    'constructor',
    '😀',
    '\ud83d',
    '\ude00',
    '\ude00\ud83d',
  ),
  fc.nat({ max: 255 }).map((length) => 'x'.repeat(length + 1)),
)

const unsigned = integer.map((id) => oneForm(BigInt.asUintN(64, BigInt(id))))

const kinds: [kind: IdKind, id: fc.Arbitrary<FeatureId>][] = [
  ['integer', integer],
  ['unsigned', unsigned],
  ['string', text],
]

for (const [kind, id] of kinds)
  describe(`IdTable of ${kind} ids`, () => {
    test('any ids, added and looked up in any order: what a Map does', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(id, fc.boolean()), { maxLength: 120, size: 'max' }), (steps) => {
          const memory = IdTable.memoryFor(kind, 200, 60_000)
          const writer = new IdTable(memory)
          const reader = new IdTable(memory) // another thread's
          const model = new Map<FeatureId, number>()
          for (const [each, isAdded] of steps) {
            assert.equal(reader.rowOf(each), model.get(each) ?? -1)
            if (!isAdded || model.has(each)) continue
            assert.equal(writer.add(each), model.size)
            model.set(each, model.size)
            assert.equal(reader.rows, model.size)
          }
          for (const [each, row] of model) {
            assert.equal(reader.rowOf(each), row)
            assert.equal(reader.idAt(row), each)
          }
        }),
        { numRuns: 300 },
      )
    })

    test('a full table, with as many slots as it can have taken: −1 for one more, all others still found', () => {
      fc.assert(
        fc.property(fc.uniqueArray(id, { minLength: 2, maxLength: 33 }), ([last, ...ids]) => {
          const table = new IdTable(IdTable.memoryFor(kind, ids.length, 60_000))
          for (const [row, each] of ids.entries()) assert.equal(table.add(each), row)
          assert.equal(table.add(last), -1)
          assert.equal(table.rows, ids.length)
          assert.equal(table.rowOf(last), -1)
          for (const [row, each] of ids.entries()) assert.equal(table.rowOf(each), row)
        }),
      )
    })

    test('isBefore is a strict order, the one of the ids themselves', () => {
      fc.assert(
        fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 20 }), (ids) => {
          const table = tableOf(kind, ids)
          for (const [a, idA] of ids.entries())
            for (const [b, idB] of ids.entries()) assert.equal(table.isBefore(a, b), idA < idB)
        }),
      )
    })
  })

describe('IdTable', () => {
  test('integers at the edges of 2^31, 2^32, 2^53 and 2^63 are different ids and come back exactly', () => {
    const edges = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n, INT64_MAX - 1n]
    const around = edges.flatMap((edge) => [edge - 1n, edge, edge + 1n])
    const ids = [...new Set([...around, ...around.map((id) => -id), -INT64_MAX - 1n])].map(oneForm)
    const table = tableOf('integer', ids)
    for (const [row, id] of ids.entries()) {
      assert.equal(table.rowOf(id), row)
      assert.equal(table.rowOf(BigInt(id)), row, 'a small bigint is the same integer')
      assert.equal(table.rowOf(String(id)), row, 'digits are the same integer')
      assert.strictEqual(table.idAt(row), id)
    }
  })

  test('what is no 64-bit integer is not in a table of integers', () => {
    const table = tableOf('integer', [0, 1, -1, 5, INT64_MAX, -INT64_MAX - 1n])
    const absent: FeatureId[] = [2, INT64_MAX + 1n, -INT64_MAX - 2n, 2n ** 64n, 2n ** 64n + 5n, 2n ** 100n]
    const noIntegers: FeatureId[] = [0.5, Number.NaN, Infinity, -Infinity, 2 ** 53, 2 ** 64, 1e300]
    const noDigits = ['', ' ', '5 ', '+5', '5.0', '0x5', '1e0', 'five', '٥', '--5', '5n', '9'.repeat(30)]
    for (const id of [...absent, ...noIntegers, ...noDigits, '18446744073709551621', '9223372036854775808'])
      assert.equal(table.rowOf(id), -1, String(id))
    const roomy = new IdTable(IdTable.memoryFor('integer', 9, 0))
    for (const id of ['five', 0.5, 2 ** 53, INT64_MAX + 1n])
      assert.throws(() => roomy.add(id), { name: 'NearrankError', code: 'INTERNAL' })
    assert.equal(roomy.rows, 0)
    for (const id of ['5', '05', '00000000000000000005', 5n]) assert.equal(table.rowOf(id), 3)
    for (const id of ['-1', '-01', -1n]) assert.equal(table.rowOf(id), 2)
    for (const id of [-0, '-0', '00', 0n]) assert.ok(table.rowOf(id) === 0) // −0 will do
    assert.equal(table.rowOf('-9223372036854775808'), 5)
  })

  test('a number is a string to a table of strings', () => {
    const table = tableOf('string', ['42', '042', '9007199254740993'])
    for (const [id, row] of [
      [42, 0],
      [42n, 0],
      ['042', 1],
      [9007199254740993n, 2],
      [43, -1],
    ] as const)
      assert.equal(table.rowOf(id), row)
  })

  test('two strings with the same 64-bit hash are two ids', () => {
    for (const [a, b] of COLLIDING) {
      const memory = IdTable.memoryFor('string', 2, 100)
      const table = new IdTable(memory)
      assert.equal(table.add(a), 0)
      assert.equal(table.rowOf(b), -1)
      assert.equal(table.add(b), 1)
      const [low, high, lowB, highB] = new Int32Array(memory.keys)
      assert.deepEqual([lowB, highB], [low, high], 'the hash has changed: search for other strings')
      assert.deepEqual([table.rowOf(a), table.rowOf(b)], [0, 1])
      assert.deepEqual([table.idAt(0), table.idAt(1)], [a, b])
    }
  })

  test('a probe that begins at the last slot goes on at the first', () => {
    // 8 ids have 16 slots by hash; these all begin at the last one. Larger than those that have slots of their own.
    const ids: number[] = []
    for (let id = 1000; ids.length < 9; id++) if ((mix32(id) & 15) === 15) ids.push(id)
    const absent = ids.pop() ?? 0
    const table = tableOf('integer', ids)
    for (const [row, id] of ids.entries()) assert.equal(table.rowOf(id), row)
    assert.equal(table.rowOf(absent), -1)
  })

  test('0, 1, 2, … in their order, up to any of them, then others: each keeps its row', () => {
    const others = fc.uniqueArray(fc.integer({ min: -3, max: 70 }), { maxLength: 30 })
    fc.assert(
      fc.property(fc.nat({ max: 20 }), others, fc.nat({ max: 10 }), (ordered, rest, spare) => {
        const ids = [...new Set([...Array.from({ length: ordered }, (_, i) => i), ...rest])]
        const memory = IdTable.memoryFor('integer', ids.length + spare, 0)
        const [table, reader] = [new IdTable(memory), new IdTable(memory)]
        const rowOf = new Map<number, number>()
        for (const [row, id] of ids.entries()) {
          assert.equal(table.add(id), row)
          rowOf.set(id, row)
          for (let each = -3; each <= 70; each++) {
            const wanted = rowOf.get(each) ?? -1
            for (const form of [each, String(each), BigInt(each)]) assert.equal(reader.rowOf(form), wanted)
          }
          assert.equal(reader.idAt(row), id)
        }
      }),
    )
  })

  test('a list in typed memory: the rows that its ids have one by one, those of no row left out', () => {
    const edges = [0, 2 ** 31, 2 ** 32, 2 ** 33, 3 * 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER - 2]
    const near = fc.tuple(fc.constantFrom(...edges), fc.nat({ max: 2 })).map(([edge, step]) => edge + step)
    const any = fc.oneof(fc.nat({ max: 80 }), fc.nat(), near, fc.maxSafeInteger().map(Math.abs))
    const kind = fc.constantFrom<IdKind>('integer', 'unsigned', 'string')
    fc.assert(
      fc.property(kind, fc.uniqueArray(any, { maxLength: 60 }), fc.array(any), (of, ids, others) => {
        const table = tableOf(
          of,
          ids.map((id) => (of === 'string' ? String(id) : id)),
        )
        const asked = [...ids, ...others, ...ids]
        const wanted = asked.map((id) => ids.indexOf(id)).filter((row) => row >= 0)
        const small = asked.filter((id) => id < 2 ** 31)
        const rows = new Uint32Array(asked.length)
        assert.deepEqual([...rows.subarray(0, table.rowsInto(rows, asked))], wanted)
        assert.deepEqual([...rows.subarray(0, table.rowsInto(rows, Float64Array.from(asked)))], wanted)
        const found = [...rows.subarray(0, table.rowsInto(rows, Int32Array.from(small)))]
        assert.deepEqual(
          found,
          small.map((id) => ids.indexOf(id)).filter((row) => row >= 0),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('integers with the same low half are different ids, also where that is 0', () => {
    const ids = Array.from({ length: 200 }, (_, i) => (i >> 1) * 2 ** 32 + (i & 1) * 123_456)
    const table = tableOf('integer', ids)
    for (const [row, id] of ids.entries()) assert.equal(table.rowOf(id), row)
    assert.equal(table.rowOf(100 * 2 ** 32), -1)
    assert.equal(table.rowOf(100 * 2 ** 32 + 123_456), -1)
  })

  test('no room for a text: −1, nothing entered, and a shorter one still fits', () => {
    const table = new IdTable(IdTable.memoryFor('string', 10, 10))
    assert.equal(table.add('12345678'), 0)
    assert.equal(table.add('abc'), -1)
    assert.equal(table.rowOf('abc'), -1)
    assert.deepEqual([table.rows, table.textUnits], [1, 8])
    assert.equal(table.add('ab'), 1)
    assert.equal(table.add('c'), -1)
    assert.deepEqual([table.idAt(0), table.idAt(1)], ['12345678', 'ab'])
  })

  test('a table for no rows has none', () => {
    for (const kind of ['integer', 'string'] as const) {
      const table = new IdTable(IdTable.memoryFor(kind, 0, 0))
      assert.equal(table.rowOf('1'), -1)
      assert.equal(table.add('1'), -1)
      assert.equal(table.rows, 0)
    }
  })

  test('100,000 ids of each kind', () => {
    for (const [kind, idOf] of [
      ['integer', (i: number) => i * 65_536],
      ['string', (i: number) => `restaurant-${i}`],
    ] as const) {
      const table = new IdTable(IdTable.memoryFor(kind, 100_000, 2_000_000))
      for (let i = 0; i < 100_000; i++) assert.equal(table.add(idOf(i)), i)
      for (let i = 0; i < 100_000; i++) assert.equal(table.rowOf(idOf(i)), i)
      for (let i = 100_000; i < 110_000; i++) assert.equal(table.rowOf(idOf(i)), -1)
    }
  })
})

function tableOf(kind: IdKind, ids: FeatureId[]): IdTable {
  const table = new IdTable(IdTable.memoryFor(kind, ids.length, 60_000))
  for (const [row, id] of ids.entries()) assert.equal(table.add(id), row)
  return table
}

/** The one form an integer has everywhere: a bigint only where a number is not exact. */
function oneForm(id: bigint): number | bigint {
  return Number.isSafeInteger(Number(id)) ? Number(id) : id
}
