import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { liveRowOf } from '../../src/live/tables.ts'
import { LiveWriter } from '../../src/live/writer.ts'
import type { Side } from '../../src/features/featureSpec.ts'
import { House, type HouseStep } from './house.ts'

const SIDES: Side[] = ['users', 'restaurants']

// Quarters add up without rounding, so that sums can be compared exactly.
const quarters = (length: number) =>
  fc
    .array(fc.integer({ min: -40, max: 40 }), { minLength: length, maxLength: length })
    .map((values) => Float32Array.from(values, (value) => value / 4))
const name = fc.integer({ min: 0, max: 11 })
const step: fc.Arbitrary<HouseStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('putUser' as const), name, features: quarters(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('putRestaurant' as const),
      name,
      features: quarters(2),
      latitude: fc.constantFrom(-90, 0, 13.7, 90),
      longitude: fc.constantFrom(-180, 0, 100.5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), name, side: fc.constantFrom(...SIDES) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('grow' as const), side: fc.constantFrom(...SIDES) }),
  },
)

for (const ids of ['integer', 'string'] as const)
  describe(`LiveWriter, ${ids} ids`, () => {
    test('any puts, deletes and growths: rows, counts, sums and places are those of plain Maps', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
          const house = new House(ids, { users: 4, restaurants: 4 })
          for (const each of steps) {
            house.take(each)
            house.check()
          }
        }),
        { numRuns: 300 },
      )
    })
  })

describe('LiveWriter', () => {
  test('it counts the rows of tables that are there already', () => {
    const house = new House('integer', { users: 9, restaurants: 9 })
    for (let id = 0; id < 5; id++) {
      house.take({ kind: 'putUser', name: id, features: Float32Array.of(1, 2, 3) })
      house.take({
        kind: 'putRestaurant',
        name: id,
        features: Float32Array.of(1, 2),
        latitude: 1,
        longitude: id,
      })
    }
    house.take({ kind: 'delete', side: 'users', name: 3 })
    house.take({ kind: 'delete', side: 'restaurants', name: 1 })
    house.take({ kind: 'delete', side: 'restaurants', name: 2 })
    const again = new LiveWriter(house.tables, { followers: new Set(), onMove: () => {} })
    assert.deepEqual({ ...again.counts }, { users: 4, restaurants: 3 })
  })

  test('an outlier that comes and goes leaves the sums as they were', () => {
    const house = new House('integer', { users: 9, restaurants: 1 })
    for (let id = 0; id < 5; id++) house.writer.putUser({ id, features: Float32Array.of(0.25, id, -1) })
    const before = [...house.tables.sums]
    for (const leave of [
      () => house.writer.delete('users', 7),
      () => house.writer.putUser({ id: 7, features: Float32Array.of(0, 0, 0) }),
    ]) {
      house.writer.putUser({ id: 7, features: Float32Array.of(3e38, -3e38, 1e20) })
      leave()
      house.writer.delete('users', 7)
      house.writer.settleSums()
      assert.deepEqual([...house.tables.sums], before)
    }
  })

  test('long string ids use up the room for text before that for rows: false, and after growing there is room', () => {
    const house = new House('string', { users: 1000, restaurants: 1 })
    const idOf = (i: number) => String(i).padStart(256, '_')
    let users = 0
    const put = (id: string) => house.writer.putUser({ id, features: Float32Array.of(1, 2, 3) })
    while (users < 1000 && put(idOf(users))) users++
    assert.ok(users >= 256 && users < 1000, `${users} users`)
    assert.deepEqual([...house.tables.sums], [users, users, 2 * users, 3 * users])
    assert.equal(liveRowOf(house.tables.users, idOf(users)), -1)
    assert.ok(put(idOf(0)), 'one that is there can still be written')
    house.take({ kind: 'grow', side: 'users' })
    assert.equal(house.tables.users.rowsMax, 2000)
    assert.ok(house.writer.putUser({ id: idOf(users), features: Float32Array.of(1, 2, 3) }))
    for (let i = 0; i <= users; i++) assert.equal(liveRowOf(house.tables.users, idOf(i)), i)
  })
})
