import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { NearrankError } from '../../src/errors.ts'
import type { FeatureId } from '../../src/ids.ts'
import type { Side } from '../../src/features/featureSpec.ts'
import type { Change, FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import {
  AWKWARD_IDS,
  AWKWARD_VALUES,
  badChanges,
  badValues,
  put,
  putNumbersByName,
  putValues,
  remove,
  RESTAURANT_NAMES,
  USER_NAMES,
} from './changes.ts'
import { applyChanges, noRows, type Rows, StoreCopy, startCopy } from './storeCopy.ts'

/** One empty home that a store can be opened on, again and again, by one at a time. */
export interface StoreHome {
  open(options: OpenStoreOptions): Promise<FeatureStore>
  /** Takes everything away after the test. */
  remove(): Promise<void>
}

const INTEGERS: OpenStoreOptions = {
  layout: { users: { features: 3, ids: 'integer' }, restaurants: { features: 2, ids: 'integer' } },
}
const UNSIGNED: OpenStoreOptions = {
  layout: { users: { features: 3, ids: 'unsigned' }, restaurants: { features: 2, ids: 'unsigned' } },
}
const STRINGS: OpenStoreOptions = {
  layout: { users: { features: 3, ids: 'string' }, restaurants: { features: 2, ids: 'string' } },
}
const SIDES = ['users', 'restaurants'] as const
const MANY = 20_000

type WithHome = (what: string, run: (home: StoreHome) => Promise<void>) => void

const VALUES: OpenStoreOptions = {
  layout: {
    users: { features: 3, ids: 'integer', names: USER_NAMES, form: 'values' },
    restaurants: { features: 2, ids: 'integer', names: RESTAURANT_NAMES, form: 'values' },
  },
}
const FORMS = {
  vectors: { options: INTEGERS, put },
  values: { options: VALUES, put: putNumbersByName },
}

/** What every feature store must do. `skip`: why it cannot be tried here. */
export function describeStore(
  name: string,
  { newHome, skip = false }: { newHome: () => Promise<StoreHome>; skip?: string | false },
): void {
  /** A test with a home of its own. */
  const withHome: WithHome = (what, run) =>
    void test(what, async (t) => {
      const home = await newHome()
      t.after(() => home.remove())
      await run(home)
    })

  for (const form of ['vectors', 'values'] as const)
    describe(`feature store: ${name}, ${form}`, { skip }, () => {
      formTests(form, { withHome, newHome })
      if (form === 'values') valuesTests(withHome)
    })

  describe(`feature store: ${name}`, { skip }, () => {
    withHome(
      'a new store is empty, and has the ids and the number of features it was opened for',
      async (home) => {
        const store = await home.open(INTEGERS)
        assert.deepEqual(store.layout, INTEGERS.layout)
        assert.deepEqual(await store.count(), { users: 0, restaurants: 0 })
        const copy = await startCopy(store)
        assert.deepEqual(copy.calls, ['start', 'end'])
        assert.deepEqual(copy.rows, noRows())
        assert.deepEqual(copy.problems, [])
        const { kind: _, troubles = [], ...status } = store.status()
        assert.deepEqual(troubles, [])
        assert.deepEqual(status, { connected: true, synced: true, lagMs: 0 })
        await store.close()
      },
    )

    withHome('ids are integers where nothing is said, and stay what they were', async (home) => {
      const free = { layout: { users: { features: 3 }, restaurants: { features: 2 } } }
      const store = await home.open({ layout: { ...free.layout, users: { features: 3, ids: 'string' } } })
      assert.equal(store.layout.users.ids, 'string')
      assert.equal(store.layout.restaurants.ids, 'integer')
      await store.close()
      const again = await home.open(free)
      assert.deepEqual(again.layout, store.layout)
      await again.close()
    })

    withHome('a store of another layout is refused, and is not changed by that', async (home) => {
      const store = await home.open(INTEGERS)
      await store.write([put('users', 1, [1, 2, 3])])
      await store.close()
      const { users, restaurants } = INTEGERS.layout
      for (const layout of [
        { users: { features: 4 }, restaurants },
        { users, restaurants: { features: 1 } },
        { users: { ...users, ids: 'string' as const }, restaurants },
        { users: { ...users, ids: 'unsigned' as const }, restaurants },
        { users, restaurants: { ...restaurants, ids: 'string' as const } },
      ])
        await assert.rejects(home.open({ layout }), isError('INPUT'))
      const again = await home.open(INTEGERS)
      assert.deepEqual(await again.count(), { users: 1, restaurants: 0 })
      await again.close()
    })

    withHome(
      'the names of the features are kept, and other names or another order are refused',
      async (home) => {
        const { users, restaurants } = INTEGERS.layout
        const named = { users: { ...users, names: ['age', 'spend', 'é"\\'] }, restaurants }
        await (await home.open({ layout: named })).close()
        const unasked = await home.open(INTEGERS)
        assert.deepEqual(unasked.layout, named, 'known to who does not ask')
        await unasked.close()
        for (const [names, message] of [
          [
            ['spend', 'age', 'é"\\'],
            /its features of users must be spend, age, é"\\, found age, spend, é"\\/,
          ],
          [['age', 'spend', 'other'], /must be age, spend, other, found age, spend, é/],
        ] as const) {
          const layout = { users: { ...users, names }, restaurants: { ...restaurants, names: ['x', 'y'] } }
          await assert.rejects(home.open({ layout }), isError('INPUT', message))
        }
        const long = users.features - 1
        const far = ['age', 'spend', 'n'.repeat(1000)]
        await assert.rejects(
          home.open({ layout: { users: { ...users, names: far }, restaurants } }),
          isError('INPUT', new RegExp(`must be from feature ${long + 1} on: n{300}…, found age, spend`)),
        )
        const again = await home.open({ layout: named })
        assert.deepEqual(again.layout, named, 'a refusal has written nothing down')
        await again.close()
      },
    )

    withHome('a store that has no names takes those of the first who knows them', async (home) => {
      const { users, restaurants } = INTEGERS.layout
      await (await home.open(INTEGERS)).close()
      const named = {
        users: { ...users, names: ['a', 'b', 'c'] },
        restaurants: { ...restaurants, names: ['x', 'y'] },
      }
      const first = await home.open({ layout: named })
      assert.deepEqual(first.layout, named)
      await first.close()
      const swapped = { users: named.users, restaurants: { ...restaurants, names: ['y', 'x'] } }
      await assert.rejects(
        home.open({ layout: swapped }),
        isError('INPUT', /its features of restaurants must be y, x, found x, y/),
      )
      const later = await home.open(INTEGERS)
      assert.deepEqual(later.layout, named)
      await later.close()
    })

    for (const [kind, options] of [
      ['integer', INTEGERS],
      ['unsigned', UNSIGNED],
      ['string', STRINGS],
    ] as const)
      withHome(`bit for bit after it was closed and opened: extremes, ${kind} ids`, async (home) => {
        const vectors = [
          [0, -0, 2 ** -149],
          [-(2 ** -149), 2 ** -126, 3.4028234663852886e38],
          [-3.4028234663852886e38, Math.fround(0.1), Math.fround(Math.PI)],
        ]
        const degrees = [
          [90, 180],
          [-90, -180],
          [13.581327544528989, 100.30471258549801],
          [5e-324, -1.7976931348623157e-300],
        ]
        const changes: Change[] = AWKWARD_IDS[kind].flatMap((id, i) => {
          const [latitude, longitude] = degrees[i % degrees.length]
          const vector = vectors[i % vectors.length]
          return [put('users', id, vector), put('restaurants', id, vector.slice(0, 2), latitude, longitude)]
        })
        const expected = noRows()
        applyChanges(expected, changes)
        assert.equal(expected.users.size, AWKWARD_IDS[kind].length)
        const store = await home.open(options)
        const copy = await startCopy(store)
        await store.write(changes)
        assert.deepEqual(copy.rows, expected)
        await store.close()
        await expectStored(home, options, expected)

        const again = await home.open(options)
        await again.write(AWKWARD_IDS[kind].flatMap((id) => [remove('users', id), remove('restaurants', id)]))
        await again.close()
        await expectStored(home, options, noRows())
      })

    for (const [kind, options] of [
      ['integer', INTEGERS],
      ['unsigned', UNSIGNED],
      ['string', STRINGS],
    ] as const)
      withHome(
        `a row that does not fit is refused, and with it the whole write: ${kind} ids`,
        async (home) => {
          const store = await home.open(options)
          const copy = await startCopy(store)
          const [id, other, third] = AWKWARD_IDS[kind]
          await store.write([put('users', id, [1, 2, 3])])
          const expected = noRows()
          applyChanges(expected, [put('users', id, [1, 2, 3])])
          for (const [what, bad] of Object.entries(badChanges(kind)))
            await assert.rejects(
              store.write([put('users', other, [4, 5, 6]), bad, put('users', id, [0, 0, 0])]),
              isError('INPUT'),
              what,
            )
          assert.deepEqual(copy.rows, expected)

          const good = [put('users', third, [7, 8, 9])]
          const results = await Promise.allSettled([
            store.write(good),
            store.write([Object.values(badChanges(kind))[0]]),
            store.write([put('restaurants', third, [1, 2], 3, 4)]),
          ])
          assert.deepEqual(
            results.map(({ status }) => status),
            ['fulfilled', 'rejected', 'fulfilled'],
            'one bad write fails no other',
          )
          applyChanges(expected, [...good, put('restaurants', third, [1, 2], 3, 4)])
          assert.deepEqual(copy.rows, expected)
          await store.close()
          await expectStored(home, options, expected)
        },
      )
  })
}

/** What it must do with values. */
function valuesTests(withHome: WithHome): void {
  withHome('values come back as they were, and what is missing stays missing', async (home) => {
    const changes = AWKWARD_VALUES.flatMap((value, i) => [
      putValues('users', i, { [USER_NAMES[i % 3]]: value, [USER_NAMES[(i + 1) % 3]]: null }),
      putValues(
        'restaurants',
        i,
        { [RESTAURANT_NAMES[0]]: value, [RESTAURANT_NAMES[1]]: [value].flat() },
        1,
        2,
      ),
    ])
    const expected = noRows()
    applyChanges(expected, changes)
    const store = await home.open(VALUES)
    assert.deepEqual(store.layout, VALUES.layout)
    const copy = await startCopy(store)
    await store.write(changes)
    assert.deepEqual(copy.rows, expected)
    await store.close()
    await expectStored(home, VALUES, expected)
  })

  withHome('a row of values that does not fit is refused, and with it the whole write', async (home) => {
    const store = await home.open(VALUES)
    const copy = await startCopy(store)
    const first = putValues('users', 1, { [USER_NAMES[0]]: 'a' })
    await store.write([first])
    for (const [what, { change, message }] of Object.entries(badValues()))
      await assert.rejects(
        store.write([putValues('users', 2, {}), change, remove('users', 1)]),
        isError('INPUT', message),
        what,
      )
    const expected = noRows()
    applyChanges(expected, [first])
    assert.deepEqual(copy.rows, expected)
    await store.close()
    await expectStored(home, VALUES, expected)
  })

  withHome(
    'a store of values does for who wants fewer of them, and for nobody who wants others',
    async (home) => {
      await (await home.open(VALUES)).close()
      const { users, restaurants } = VALUES.layout
      const fewer = { users: { features: 1, names: [USER_NAMES[2]] }, restaurants }
      for (const form of [{}, { form: 'values' as const }]) {
        const store = await home.open({ layout: { ...fewer, users: { ...fewer.users, ...form } } })
        assert.deepEqual(store.layout, VALUES.layout, 'it stays as it was')
        await store.close()
      }
      const more = { ...users, features: 4, names: [...USER_NAMES, 'other'] }
      await assert.rejects(
        home.open({ layout: { users: more, restaurants } }),
        isError('INPUT', /it must have the user feature other, found age, né 🍜"\\, __proto__/),
      )
      await assert.rejects(
        home.open({ layout: { users: { ...users, ids: 'string' }, restaurants } }),
        isError('INPUT', /its ids of users must be of the kind string, found integer/),
      )
      const again = await home.open(VALUES)
      assert.deepEqual(again.layout, VALUES.layout)
      await again.close()
    },
  )

  withHome('a store of vectors takes no values', async (home) => {
    const { users, restaurants } = INTEGERS.layout
    await (await home.open({ layout: { users: { ...users, names: USER_NAMES }, restaurants } })).close()
    await assert.rejects(
      home.open({ layout: { users: VALUES.layout.users, restaurants } }),
      isError('INPUT', /it must hold the values of users by name \(age, .*\), found vectors of 3 numbers/),
    )
  })

  withHome('one side may hold values and the other vectors', async (home) => {
    const layout = { users: VALUES.layout.users, restaurants: INTEGERS.layout.restaurants }
    const store = await home.open({ layout })
    const copy = await startCopy(store)
    const changes = [
      putValues('users', 1, { [USER_NAMES[0]]: ['a', 'b'] }),
      put('restaurants', 2, [1, 2], 3, 4),
    ]
    await store.write(changes)
    await assert.rejects(
      store.write([put('users', 1, [1, 2, 3])]),
      isError('INPUT', /features must be an object/),
    )
    await assert.rejects(
      store.write([putValues('restaurants', 1, {})]),
      isError('INPUT', /features must be 2 numbers, found values by name/),
    )
    const expected = noRows()
    applyChanges(expected, changes)
    assert.deepEqual(copy.rows, expected)
    await store.close()
    await expectStored(home, { layout }, expected)
  })
}

/** What it must do whatever its rows are made of. */
function formTests(
  form: keyof typeof FORMS,
  { withHome, newHome }: { withHome: WithHome; newHome: () => Promise<StoreHome> },
): void {
  const { options, put: putRow } = FORMS[form]
  withHome('that a fill has begun is remembered until it is said to be complete', async (home) => {
    const opened = async (run: (store: FeatureStore) => Promise<void>) => {
      const store = await home.open(options)
      await run(store)
      await store.close()
    }
    await opened(async (store) => {
      assert.equal(await store.isFilling(), false)
      await store.setFilling(true)
      assert.equal(await store.isFilling(), true)
      await store.write([putRow('users', 2n ** 60n, [1, 2, 3])])
      await store.setFilling(true)
    })
    await opened(async (store) => {
      assert.equal(await store.isFilling(), true)
      const [copy] = await Promise.all([startCopy(store), store.setFilling(true)])
      assert.equal(copy.rows.users.size, 1)
      await store.setFilling(false)
      await store.setFilling(false)
      assert.equal(await store.isFilling(), false)
    })
    await opened(async (store) => assert.equal(await store.isFilling(), false))
    const closed = await home.open(options)
    await closed.close()
    await assert.rejects(closed.isFilling(), isError('CONFLICT'))
    await assert.rejects(closed.setFilling(true), isError('CONFLICT'))
  })

  withHome('rows are put, replaced and deleted on both sides', async (home) => {
    const store = await home.open(options)
    const copy = await startCopy(store)
    const expected = noRows()
    for (const changes of [
      [putRow('users', 1, [1, 2, 3]), putRow('restaurants', 1, [4, 5], 10, 20)],
      [putRow('users', 2, [0, 0, 0]), putRow('restaurants', 1, [6, 7], -90, 180)],
      [remove('users', 1), remove('restaurants', 2), putRow('restaurants', 2, [8, 9], 1, 2)],
      [],
    ]) {
      await store.write(changes)
      applyChanges(expected, changes)
      assert.deepEqual(copy.rows, expected, 'the listener was told before the write resolved')
    }
    assert.deepEqual(await store.count(), { users: 1, restaurants: 2 })
    await store.close()
    await expectStored(home, options, expected)
  })

  withHome('within a write the order counts', async (home) => {
    const store = await home.open(options)
    const copy = await startCopy(store)
    const changes = [
      putRow('users', 1, [1, 1, 1]),
      remove('users', 1),
      putRow('users', 1, [2, 2, 2]),
      putRow('users', 2, [1, 1, 1]),
      remove('users', 2),
      putRow('restaurants', 1, [1, 1], 1, 1),
      putRow('restaurants', 1, [2, 2], 2, 2),
    ]
    const expected = noRows()
    applyChanges(expected, changes)
    assert.deepEqual([...expected.users.keys()], [1])
    await store.write(changes)
    assert.deepEqual(copy.rows, expected)
    await store.close()
    await expectStored(home, options, expected)
  })

  withHome('a store can be filled before it is started', async (home) => {
    const store = await home.open(options)
    const changes = [putRow('users', 5, [1, 2, 3]), putRow('restaurants', 6, [4, 5], 7, 8)]
    await store.write(changes)
    const expected = noRows()
    applyChanges(expected, changes)
    assert.deepEqual((await startCopy(store)).rows, expected)
    await store.close()
  })

  withHome('a write that comes while the store starts is neither lost nor undone', async (home) => {
    const store = await home.open(options)
    await store.write(Array.from({ length: 5_000 }, (_, i) => putRow('users', i, [i, 0, 0])))
    await store.close()

    const again = await home.open(options)
    const copy = new StoreCopy(again.layout)
    const started = again.start(copy)
    const writes = Array.from({ length: 50 }, (_, i) => [
      putRow('users', i * 100, [-1, i, 0]),
      remove('users', i * 100 + 1),
    ])
    await Promise.all(writes.map((changes) => again.write(changes)))
    await started
    const expected = noRows()
    for (let i = 0; i < 5_000; i++) applyChanges(expected, [putRow('users', i, [i, 0, 0])])
    for (const changes of writes) applyChanges(expected, changes)
    assert.deepEqual(copy.rows, expected)
    assert.deepEqual(await again.count(), { users: expected.users.size, restaurants: 0 })
    await again.close()
    await expectStored(home, options, expected)
  })

  withHome('large writes and large reads', async (home) => {
    const store = await home.open(options)
    const copy = await startCopy(store)
    const changes = Array.from({ length: MANY }, (_, i) =>
      i % 2 === 0
        ? putRow('users', i, [i, i / 3, -i])
        : putRow('restaurants', i, [i / 7, 1], (i % 180) - 90, (i % 360) - 180),
    )
    await store.write(changes)
    const expected = noRows()
    applyChanges(expected, changes)
    assert.deepEqual(copy.rows, expected)
    assert.deepEqual(await store.count(), { users: MANY / 2, restaurants: MANY / 2 })
    await store.close()
    await expectStored(home, options, expected)
  })

  withHome('many writes at once', async (home) => {
    const store = await home.open(options)
    const copy = await startCopy(store)
    const expected = noRows()
    const told: boolean[] = []
    await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        const changes = [putRow('users', i, [i, i, i]), putRow('restaurants', i, [i, i], 1, 2)]
        applyChanges(expected, changes)
        await store.write(changes)
        told.push(copy.rows.users.has(i) && copy.rows.restaurants.has(i))
      }),
    )
    assert.ok(told.every(Boolean), 'each was told of before it resolved')
    assert.deepEqual(copy.rows, expected)
    await store.close()
    await expectStored(home, options, expected)
  })

  withHome('writes of one row at once: the copy ends as the store does, with a whole row', async (home) => {
    const store = await home.open(options)
    const copy = await startCopy(store)
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.write([putRow('restaurants', 1, [i, -i], i / 4, i / 2)])),
    )
    const row = copy.rows.restaurants.get(1)
    assert.ok(row)
    const winner = (row.latitude ?? -1) * 4
    const expected = noRows()
    applyChanges(expected, [putRow('restaurants', 1, [winner, -winner], winner / 4, winner / 2)])
    assert.deepEqual(copy.rows, expected)
    await store.close()
    await expectStored(home, options, expected)
  })

  withHome('a full read is bracketed and tells of each row once', async (home) => {
    const store = await home.open(options)
    await store.write(Array.from({ length: MANY / 2 }, (_, i) => putRow('users', i - MANY, [i, 0, 0])))
    await store.write([putRow('restaurants', 1, [1, 1], 1, 1)])
    await store.close()
    const again = await home.open(options)
    const copy = new StoreCopy(again.layout)
    let rows = 0
    await again.start({
      counts: copy.counts,
      onSyncStart: () => copy.onSyncStart(),
      onBatch: (batch) => {
        rows += batch.ids.length
        copy.onBatch(batch)
      },
      onSyncEnd: () => copy.onSyncEnd(),
      onChanges: (changes) => copy.onChanges(changes),
      onProblem: (message) => copy.onProblem(message),
    })
    assert.equal(copy.calls[0], 'start')
    assert.equal(copy.calls.at(-1), 'end')
    assert.ok(copy.calls.slice(1, -1).every((call) => call === 'batch'))
    assert.equal(copy.syncs, 1)
    assert.ok(rows >= MANY / 2 + 1, `${rows} rows`)
    assert.equal(copy.rows.users.size, MANY / 2)
    await again.close()
  })

  withHome(
    'close waits for what was being written, can be repeated, and refuses what comes after',
    async (home) => {
      const store = await home.open(options)
      await startCopy(store)
      const written = store.write([putRow('users', 1, [1, 2, 3])])
      await Promise.all([store.close(), store.close()])
      await written
      await store.close()
      await assert.rejects(store.write([putRow('users', 2, [1, 2, 3])]), isError('CONFLICT'))
      const expected = noRows()
      applyChanges(expected, [putRow('users', 1, [1, 2, 3])])
      await expectStored(home, options, expected)
    },
  )

  test('random writes: the copy and what is stored are what a Map would be', async () => {
    const id = fc.constantFrom<FeatureId>(0, 1, -1, 7, 2 ** 53 - 1, 2n ** 53n, -(2n ** 63n))
    const float = fc.float({ noNaN: true, noDefaultInfinity: true })
    const coordinate = (max: number) =>
      fc.double({ min: -max, max, noNaN: true }).map((degrees) => degrees + 0)
    const change = fc.oneof(
      fc.tuple(id, float, float, float).map(([key, ...features]) => putRow('users', key, features)),
      fc
        .tuple(id, float, float, coordinate(90), coordinate(180))
        .map(([key, a, b, latitude, longitude]) => putRow('restaurants', key, [a, b], latitude, longitude)),
      fc.tuple(fc.constantFrom<Side>(...SIDES), id).map(([side, key]) => remove(side, key)),
    )
    const writes = fc.array(fc.array(change, { maxLength: 12 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(writes, fc.boolean(), async (sequence, isReopened) => {
        const home = await newHome()
        try {
          const expected = noRows()
          let store = await home.open(options)
          let copy = await startCopy(store)
          for (const [i, changes] of sequence.entries()) {
            if (isReopened && i % 3 === 2) {
              await store.close()
              store = await home.open(options)
              copy = await startCopy(store)
            }
            await store.write(changes)
            applyChanges(expected, changes)
            assert.deepEqual(copy.rows, expected)
          }
          await store.close()
          await expectStored(home, options, expected)
        } finally {
          await home.remove()
        }
      }),
      { numRuns: 25 },
    )
  })
}

/** Opens the home anew and compares everything in it. */
async function expectStored(home: StoreHome, options: OpenStoreOptions, expected: Rows): Promise<void> {
  const store = await home.open(options)
  const copy = await startCopy(store)
  assert.deepEqual(copy.problems, [])
  assert.deepEqual(copy.rows, expected)
  assert.deepEqual(await store.count(), {
    users: expected.users.size,
    restaurants: expected.restaurants.size,
  })
  await store.close()
}

/** What `assert.rejects` is given: a NearrankError of that code, in the house's form. */
export function isError(code: NearrankError['code'], message = /^Cannot /): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NearrankError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, /^Cannot /)
    assert.match(error.message, message)
    return true
  }
}
