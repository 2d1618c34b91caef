import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'node:test'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { inspectFolder } from '../../src/dataset/inspect/inspectFolder.ts'
import { withReader } from '../../src/dataset/inspect/reader.ts'
import type { Found } from '../../src/dataset/inspect/report.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { withFolder, writeParquetFile } from './fixture.ts'

const UCI = fileURLToPath(new URL('../../examples/uci-restaurants', import.meta.url))
const LIST = (column: string) => `['thai', 'pizza', 'sushi', 'bbq'][1 + ${column} % 3 : 2 + ${column} % 3]`
const CLICK_IS = 'i % 7 = 0'
const CLICK = `${CLICK_IS} AS click`

/** Users from 0 on, 40 restaurants in a town; clicks as they are given. */
async function writeData(
  data: string,
  { train, test: tested, users = 300 }: { train: string; test?: string; users?: number },
): Promise<void> {
  const write = (name: string, sql: string) => writeParquetFile(data, name, sql)
  await write(
    'user_features.parquet',
    `SELECT i AS user_id, i % 61 AS age, ${LIST('i')} AS likes FROM range(${users}) t(i)`,
  )
  await write(
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, 13.5 + i / 1000 AS latitude, 100.5 - i / 1000 AS longitude, ${LIST('i')} AS cuisines FROM range(40) t(i)`,
  )
  await write('train/a.parquet', train)
  if (tested) await write('test/a.parquet', tested)
}

const inspectHere = (data: string, options: Partial<DatasetOptions> = {}): Promise<Found> =>
  withReader(new AbortController().signal, (reader) =>
    inspectFolder(reader, { ...options, data }, { data, onProgress: () => {} }),
  )
const messages = ({ warnings }: Found) => warnings.map(({ message }) => message)

describe('inspect compares', () => {
  test('test clicks with training clicks: columns and types', () =>
    withFolder(async (data) => {
      const clicks = (more: string) =>
        `SELECT i % 300 AS user_id, i % 40 AS restaurant_id, ${CLICK}${more} FROM range(900) t(i)`
      await writeData(data, {
        train: clicks(`, ['a', 'b'][1 + i % 2] AS device, i % 9 AS position, i % 5 AS hour`),
        test: clicks(`, i % 2 AS device, (i % 9)::TINYINT AS position`),
      })
      assert.deepEqual(messages(await inspectHere(data)), [
        'test/a.parquet: column hour of train/a.parquet is missing, so a model that takes it cannot be measured; write test clicks with the same columns',
        'test/a.parquet: column device is BIGINT, in train/a.parquet it is VARCHAR, so its values may be others to a model that takes it; write test clicks with the same columns',
      ])
      await writeData(data, {
        train: clicks(`, i % 5 AS hour, i % 2 = 0 AS weekend`),
        test: clicks(`, ['a', 'b'][1 + i % 2] AS hour, i % 2 AS weekend`).replace(
          CLICK,
          `(${CLICK_IS})::INT AS click`,
        ),
      })
      const [hour, weekend, ...none] = messages(await inspectHere(data))
      assert.match(hour, /column hour is VARCHAR, .* BIGINT, so a model that takes it cannot be measured/)
      assert.match(weekend, /column weekend is BIGINT, .* BOOLEAN, so its values may be others/)
      assert.deepEqual(none, [])
      await writeData(data, { train: clicks(', 1 + i % 2 AS a, 2 - i % 2 AS b'), test: clicks('') })
      assert.match(
        messages(await inspectHere(data))[0],
        /columns a, b of train\/a\.parquet are missing, so .* them/,
      )
    }))

  test('a key of folders as evaluation reads it', () =>
    withFolder(async (data) => {
      const clicks = `SELECT i % 300 AS user_id, i % 40 AS restaurant_id, ${CLICK} FROM range(900) t(i)`
      await writeData(data, { train: clicks })
      await rm(join(data, 'train/a.parquet'))
      const NULL = '__HIVE_DEFAULT_PARTITION__'
      for (const path of [
        ...['day=2026-01-01/size=1/zip=01067', 'day=2026-01-02/size=2/zip=A10'].map(
          (keys) => `train/${keys}`,
        ),
        ...[`day=${NULL}/size=${NULL}/zip=${NULL}`, `day=${NULL}/size=003/zip=80331`].map(
          (keys) => `test/${keys}`,
        ),
      ])
        await writeParquetFile(data, `${path}/a.parquet`, clicks)
      assert.deepEqual(messages(await inspectHere(data)), [])
    }))

  test('nothing with types that training takes together', () =>
    withFolder(async (data) => {
      const clicks = (user: string, click: string) =>
        `SELECT (i % 310)::${user} AS user_id, i % 40 AS restaurant_id, (${CLICK_IS})::${click} AS click FROM range(930) t(i)`
      await writeData(data, { train: clicks('INTEGER', 'INTEGER') })
      await writeParquetFile(data, 'train/b.parquet', clicks('UBIGINT', 'BOOLEAN'))
      const found = await inspectHere(data)
      const { rows, clicks: clicked, withoutUser } = found.files.train ?? assert.fail()
      assert.deepEqual([rows, clicked, withoutUser], [1860, 266, 60 / 1860])
      assert.ok(messages(found).every((message) => !/HUGEINT|not inspected/.test(message)))
    }))

  for (const [users, key] of [
    [300, 'integers'],
    [40_000, 'integers, of which a part is looked at'],
    [40_000, 'texts'],
  ] as const)
    test(`ids of test clicks with those of training: ${users} ${key}`, () =>
      withFolder(async (data) => {
        const id = (number: string) => (key === 'texts' ? `'é' || (${number})` : number)
        const trained = Math.floor(users / 4)
        await writeData(data, {
          users,
          train: `SELECT ${id(`i % ${trained}`)} AS user_id, (i % 40)::SMALLINT AS restaurant_id, ${CLICK} FROM range(80_000) t(i)`,
          test: `SELECT ${id(`i % ${users}`)} AS user_id, i % 40 AS restaurant_id, ${CLICK} FROM range(80_000) t(i)`,
        })
        if (key === 'texts')
          await writeParquetFile(
            data,
            'user_features.parquet',
            `SELECT 'é' || i AS user_id, i % 61 AS age FROM range(${users}) t(i)`,
          )
        const found = await inspectHere(data)
        const { newUser, newRestaurant } = found.files.test ?? assert.fail()
        assert.ok(Math.abs(newUser! - 0.75) < (users === 300 ? 0.001 : 0.03), `${newUser}`)
        assert.equal(newRestaurant, 0)
        assert.equal(found.files.train?.newUser, null)
        const [message, ...others] = messages(found)
        assert.match(
          message,
          /^test\/a\.parquet: 7\d(\.\d)? % of the rows have a user_id that no training click has/,
        )
        assert.deepEqual(others, [])
      }))

  test('places of clicks with those of the restaurants', () =>
    withFolder(async (data) => {
      for (const [latitude, longitude, message] of [
        ['13.6 + i / 5000', '100.4', undefined],
        [`if(i % 20 = 0, 40.0, 13.6)`, `if(i % 3 = 0, NULL, 100.4)`, undefined],
        [`if(i % 2 = 0, 'nan'::DOUBLE, 13.6)`, '100.4', undefined],
        ['48.2', '16.4', /more than 1 degree away from all restaurants in 100 % of the places/],
        ['100.4', '13.6', /columns latitude and longitude look swapped in 900 rows \(latitude beyond/],
        ['if(i % 2 = 0, 48.2, 13.6)', '100.4', /away from all restaurants in 50 % of the places/],
      ] as const) {
        const clicks = `SELECT i % 300 AS user_id, i % 40 AS restaurant_id, ${CLICK}, ${latitude} AS latitude, ${longitude} AS longitude FROM range(900) t(i)`
        await writeData(data, { train: clicks })
        const places = (await inspectHere(data)).warnings.filter(({ kind }) => kind === 'place')
        assert.equal(places.length, message ? 1 : 0, JSON.stringify(places))
        if (message) assert.match(places[0].message, message)
      }
    }))

  test('places that look swapped although both are degrees', () =>
    withFolder(async (data) => {
      await writeData(data, {
        train: `SELECT i % 300 AS user_id, i % 40 AS restaurant_id, ${CLICK}, 16.4 AS latitude, 48.2 AS longitude FROM range(900) t(i)`,
      })
      await writeParquetFile(
        data,
        'restaurant_features.parquet',
        `SELECT i AS restaurant_id, 48.2 + i / 1000 AS latitude, 16.4 AS longitude, i % 3 AS price FROM range(40) t(i)`,
      )
      assert.match(
        messages(await inspectHere(data)).find((one) => one.includes('swapped')) ?? '',
        /look swapped: 100 % of the places are near the restaurants the other way round, 0 % as they are; swap them/,
      )
    }))
})

describe('inspect names the pairs that training computes', () => {
  const trained = async (options: DatasetOptions) => {
    const tables = await openTables(options)
    const pack = await openRows(options, tables, 'train')
    await pack.close()
    return (fittedBy(tables, pack).pairs ?? []).map(({ name, kind }) => `pair.${name} ${kind}`)
  }
  const inspected = ({ features }: Found) =>
    Object.entries(features).flatMap(([name, { kind }]) =>
      name.startsWith('pair.') ? [`${name} ${kind}`] : [],
    )

  test('a distance and an overlap', () =>
    withFolder(async (data) => {
      const place = (isThere: boolean) => (isThere ? ', 13.6 AS latitude, 100.4 AS longitude' : '')
      for (const isThere of [true, false]) {
        await writeData(data, {
          train: `SELECT i % 300 AS user_id, i % 40 AS restaurant_id, i % 7 = 0 AS click${place(isThere)} FROM range(900) t(i)`,
        })
        const wanted = [...(isThere ? ['pair.distance distance'] : []), 'pair.likes~cuisines overlap']
        assert.deepEqual(inspected(await inspectHere(data)), wanted)
        assert.deepEqual(await trained({ data }), wanted)
      }
    }))

  test('of real data', () =>
    withFolder(async (cache) => {
      const options = { columns: { userId: 'userID', restaurantId: 'placeID' } }
      const wanted = await trained({ data: UCI, ...options, cache })
      assert.ok(wanted.length > 0)
      assert.deepEqual(inspected(await inspectHere(UCI, options)), wanted)
    }))
})
