import assert from 'node:assert/strict'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { inspect } from '../../src/dataset/inspect/inspect.ts'
import { inspectFolder } from '../../src/dataset/inspect/inspectFolder.ts'
import { withReader } from '../../src/dataset/inspect/reader.ts'
import type { Found, InspectedColumn } from '../../src/dataset/inspect/report.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { NearrankError } from '../../src/errors.ts'
import { namesOf } from '../../src/features/featureSpec.ts'
import { parseId } from '../../src/ids.ts'
import { isError, withFolder, writeParquetFile } from './fixture.ts'

const UCI = fileURLToPath(new URL('../../examples/uci-restaurants', import.meta.url))
const CHECKSUMS = fileURLToPath(new URL('./fixtures/checksums', import.meta.url))
const UCI_NAMES = { userId: 'userID', restaurantId: 'placeID' }

const USERS = `i AS user_id, i % 61 AS age, (i * 7 % 11) / 3.0 AS score, 'g' || i % 3 AS gender`
const RESTAURANTS = `i AS restaurant_id, 13.5 + i / 1000 AS latitude, 100.5 + i / 1000 AS longitude, i % 5 + 1 AS price`
const CLICKS = `i * 13 % 400 AS user_id, i * 17 % 50 AS restaurant_id, (hash(i) % 4 = 0)::INT AS click`

interface Tables {
  users?: string
  restaurants?: string
  train?: string
}

/** 400 users, 50 restaurants, 3,000 clicks of `columns`. */
async function writeData(folder: string, { users, restaurants, train }: Tables = {}): Promise<void> {
  const from = (columns: string, rows: number) => `SELECT ${columns} FROM range(${rows}) t(i)`
  await writeParquetFile(folder, 'user_features.parquet', from(users ?? USERS, 400))
  await writeParquetFile(folder, 'restaurant_features.parquet', from(restaurants ?? RESTAURANTS, 50))
  await writeParquetFile(folder, 'train/a.parquet', from(train ?? CLICKS, 3000))
}

/** As `inspect`, in this process. */
function inspectHere(data: string, options: Partial<DatasetOptions> = {}): Promise<Found> {
  return withReader(new AbortController().signal, (reader) =>
    inspectFolder(reader, { ...options, data }, { data, onProgress: () => {} }),
  )
}

function column(columns: readonly InspectedColumn[], name: string): InspectedColumn {
  return columns.find((one) => one.name === name) ?? assert.fail(name)
}

/** Data, and the one thing that looks wrong in it. */
const DIRTY: [what: string, Tables, kind: string, message: RegExp][] = [
  [
    'a name that ends in id',
    { users: `${USERS}, i % 9 AS area_id` },
    'code',
    /user_features\.parquet: column area_id .* code \(by its name\)/,
  ],
  ['a name that ends in Type', { users: `${USERS}, i % 9 AS userType` }, 'code', /column userType/],
  [
    'few integers far apart',
    { users: `${USERS}, i % 4 * 1000 AS tariff` },
    'code',
    /column tariff .*\(4 different values from 0 to 3000\)/,
  ],
  ['a constant', { users: `${USERS}, 7 AS version` }, 'constant', /column version has the same value/],
  [
    'nothing but null',
    { restaurants: `${RESTAURANTS}, NULL::INT AS stars` },
    'empty',
    /restaurant_features\.parquet: column stars is missing in every row/,
  ],
  [
    'texts of their own',
    { restaurants: `${RESTAURANTS}, 'name ' || i AS name` },
    'distinctTexts',
    /column name .* kind text/,
  ],
  [
    'NaN',
    { users: `${USERS}, if(i % 100 = 0, 'nan'::DOUBLE, i) AS income` },
    'notFinite',
    /column income is NaN in 4 rows/,
  ],
  [
    'infinity',
    { users: `${USERS}, if(i = 3, 'inf'::FLOAT, i::FLOAT) AS income` },
    'notFinite',
    /column income is infinite or too large in 1 row,/,
  ],
  [
    'a number beyond float32',
    { users: `${USERS}, if(i = 3, 1e39, i)::DOUBLE AS income` },
    'notFinite',
    /too large in 1 row,/,
  ],
  [
    'an infinite time',
    {
      users: `${USERS}, if(i = 3, 'infinity'::TIMESTAMP, TIMESTAMP '2024-01-01' + INTERVAL (i) HOUR) AS seen`,
    },
    'notFinite',
    /column seen is infinite in 1 row, which count as missing/,
  ],
  [
    'an id twice',
    {
      users: USERS.replace('i AS user_id', 'if(i = 399, 8, i) AS user_id'),
      train: CLICKS.replace('400', '399'),
    },
    'duplicateId',
    /column user_id holds an id more than once \(2 rows, such as 8\)/,
  ],
  [
    'ids that no path can hold',
    {
      users: USERS.replace(
        'i AS user_id',
        `['.', '..', '', repeat('🍜', 129)][i + 1] AS other, coalesce(if(i < 4, other, NULL), i::VARCHAR) AS user_id`,
      ),
      train: CLICKS.replace('i * 13 % 400 AS', '(4 + i * 13 % 396)::VARCHAR AS'),
    },
    'unusableId',
    /column user_id must hold a string of 1 to 256 .*, and 4 rows hold something else, such as '?"?\.'?"?; correct/,
  ],
  [
    'an integer that is too large to be an id',
    {
      restaurants: RESTAURANTS.replace(
        'i AS restaurant_id',
        'if(i = 49, 2::HUGEINT ** 70, i)::DECIMAL(38, 0) AS restaurant_id',
      ),
      train: CLICKS.replace('% 50 AS', '% 49 AS'),
    },
    'unusableId',
    /column restaurant_id must hold an integer from .*, and 1 row holds something else, such as 1180591620717411303424;/,
  ],
  [
    'no id',
    {
      users: USERS.replace('i AS user_id', 'if(i = 399, NULL, i) AS user_id'),
      train: CLICKS.replace('400', '399'),
    },
    'missingId',
    /column user_id is missing in 1 row/,
  ],
  [
    'no place',
    { restaurants: RESTAURANTS.replace('13.5 + i / 1000', 'if(i < 2, NULL, 13.5)') },
    'place',
    /latitude and longitude lack a place in 2 rows/,
  ],
  [
    'a latitude of NaN',
    { restaurants: RESTAURANTS.replace('13.5 + i / 1000', `if(i < 2, 'nan'::DOUBLE, 13.5)`) },
    'place',
    /lack a place in 2 rows/,
  ],
  [
    'a place out of range',
    { restaurants: RESTAURANTS.replace('100.5 + i / 1000', 'if(i = 2, 181, 100.5)') },
    'place',
    /out of range in 1 row/,
  ],
  [
    'latitude and longitude swapped',
    { restaurants: 'i AS restaurant_id, 100.5 AS latitude, 13.5 AS longitude, i % 5 + 1 AS price' },
    'place',
    /look swapped in 50 rows/,
  ],
  [
    'no longitude',
    { restaurants: RESTAURANTS.replace('AS longitude', 'AS lng') },
    'missingColumn',
    /no column longitude, .*--longitude-column/,
  ],
  [
    'a latitude in texts',
    { restaurants: RESTAURANTS.replace('13.5 + i / 1000', `'13.5'`) },
    'wrongType',
    /column latitude must hold degrees in numbers, found VARCHAR/,
  ],
  [
    'another label',
    { train: CLICKS.replace('(hash(i) % 4 = 0)::INT', 'if(i = 3, 2, i % 2)') },
    'label',
    /train\/a\.parquet: column click must be 0 or 1 in every row, found 2 and the like in 1 row/,
  ],
  [
    'a label of null',
    { train: CLICKS.replace('(hash(i) % 4 = 0)::INT', 'if(i < 3, NULL, i % 2)') },
    'label',
    /found null in 3 rows/,
  ],
  [
    'nothing but clicks',
    { train: CLICKS.replace('(hash(i) % 4 = 0)::INT', '1') },
    'label',
    /column click is 1 in every row/,
  ],
  [
    'labels in texts',
    { train: CLICKS.replace('::INT AS click', '::INT::VARCHAR AS click') },
    'wrongType',
    /column click must hold 0 or 1 in numbers, found VARCHAR/,
  ],
  [
    'no label',
    { train: CLICKS.replace('AS click', 'AS clicked') },
    'missingColumn',
    /no column click, .*--click-column/,
  ],
  [
    'users without features',
    { train: CLICKS.replace('% 400', '% 500') },
    'noFeatures',
    /20 % of the rows have a user_id that user_features\.parquet lacks/,
  ],
  [
    'ids of another type',
    { train: CLICKS.replace('i * 17 % 50', `'r' || i % 50`) },
    'wrongType',
    /restaurant_id must hold integers as restaurant_features\.parquet does, found VARCHAR/,
  ],
  [
    'a rating',
    { train: `${CLICKS}, if(click = 1, 4 + i % 2, 1 + i % 3) AS rating` },
    'leak',
    /column rating alone tells clicks from other rows \(AUC 1\.000\)/,
  ],
  [
    'a rating of neither the best nor the worst',
    { train: `${CLICKS}, if(click = 1, 3, i % 2 * 5) AS rating` },
    'leak',
    /column rating alone/,
  ],
  [
    'a text that says it',
    { train: `${CLICKS}, if(click = 1, 'bought', 'left ' || i % 3) AS outcome` },
    'leak',
    /column outcome alone/,
  ],
  [
    'a number that says it',
    { train: `${CLICKS}, if(click = 1, 100 + i / 7, i / 90) AS seconds` },
    'leak',
    /column seconds alone/,
  ],
  [
    'what only clicks have',
    { train: `${CLICKS}, if(click = 1, i % 30, NULL) AS dwell` },
    'leak',
    /column dwell is filled in 100 % of the clicks and 0 % of the other rows/,
  ],
  [
    'bytes that begin as texts and are none',
    { train: `${CLICKS}, if(i < 2500, 'text'::BLOB, '\\xFF'::BLOB) AS bytes` },
    'unreadable',
    /column bytes cannot be read \(.*UTF8/,
  ],
]

describe('inspect', () => {
  test('clean data: what is there, what it becomes, and nothing looks wrong', () =>
    withFolder(async (data) => {
      await writeData(data, {
        train: `${CLICKS}, i % 24 + 0.5 AS hour, ['ios', 'web'][i % 5 % 2 + 1] AS device`,
      })
      await writeParquetFile(
        data,
        'test/a.parquet',
        `SELECT ${CLICKS}, 7.5 AS hour, 'ios' AS device FROM range(100) t(i)`,
      )
      const { files, columns, features, leftOut, warnings } = await inspectHere(data)
      assert.deepEqual(warnings, [])
      assert.equal(files.users?.rows, 400)
      assert.equal(files.restaurants?.name, 'restaurant_features.parquet')
      const { bytes, clickRate, clicks, ...train } = files.train ?? assert.fail()
      assert.deepEqual(train, {
        name: 'train/a.parquet',
        files: 1,
        rows: 3000,
        withoutUser: 0,
        withoutRestaurant: 0,
        newUser: null,
        newRestaurant: null,
      })
      assert.ok(
        bytes > 1000 && clicks !== null && clickRate === clicks / 3000 && clickRate > 0.2 && clickRate < 0.3,
      )
      assert.equal(files.test?.rows, 100)
      assert.deepEqual(features, {
        'user.age': { kind: 'number' },
        'user.score': { kind: 'number' },
        'user.gender': { kind: 'category' },
        'restaurant.price': { kind: 'number' },
      })
      assert.deepEqual(leftOut, {
        'context.hour': 'columns of the clicks are features only if they are named',
        'context.device': 'columns of the clicks are features only if they are named',
      })
      assert.deepEqual(
        columns.restaurants.map(({ name, role }) => [name, role]),
        [
          ['restaurant_id', 'id'],
          ['latitude', 'place'],
          ['longitude', 'place'],
          ['price', 'feature'],
        ],
      )
      assert.deepEqual(
        columns.clicks.map(({ name, role, feature }) => [name, role, feature?.kind]),
        [
          ['user_id', 'id', undefined],
          ['restaurant_id', 'id', undefined],
          ['click', 'click', undefined],
          ['hour', 'context', 'number'],
          ['device', 'context', 'category'],
        ],
      )
      const device = column(columns.clicks, 'device')
      assert.deepEqual(device.frequent, [
        { value: 'ios', share: 0.6 },
        { value: 'web', share: 0.4 },
      ])
      const { low, high, distinct, missing } = column(columns.users, 'age')
      assert.deepEqual([low, high, distinct, missing], [0, 60, 61, 0])
    }))

  for (const [what, tables, kind, message] of DIRTY)
    test(`${what}: ${kind}`, () =>
      withFolder(async (data) => {
        await writeData(data, tables)
        const { warnings } = await inspectHere(data)
        assert.deepEqual(
          warnings.map((warning) => warning.kind),
          [kind],
          JSON.stringify(warnings),
        )
        assert.match(warnings[0].message, message)
        assert.ok(warnings[0].message.startsWith(`${warnings[0].file}: `))
        assert.ok(warnings[0].column === null || warnings[0].message.includes(warnings[0].column))
      }))

  test('texts that are no ids are found as `parseId` finds them', () =>
    withFolder(async (data) => {
      const lengths = [1, 128, 129, 156, 157, 256, 257]
      const long = ['x', 'é', '🍜'].flatMap((character) => lengths.map((length) => character.repeat(length)))
      const mixed = [156, 157].map((length) => `x${'🍜'.repeat(50)}${'x'.repeat(length - 1)}`)
      const texts = ['.', '..', '...', '.\n', '', ' ', ...long, ...mixed]
      const [usable, unusable] = [true, false].map((is) =>
        texts.filter((text) => (parseId(text, 'string') !== undefined) === is),
      )
      for (const ids of [usable, unusable]) {
        const list = ids.map((text) => `'${text}'`).join(', ')
        await writeData(data)
        const users = `SELECT [${list}][i + 1] AS user_id, i AS age FROM range(${ids.length}) t(i)`
        await writeParquetFile(data, 'user_features.parquet', users)
        const { warnings } = await inspectHere(data)
        const found = warnings.flatMap(({ kind, message }) => (kind === 'unusableId' ? [message] : []))
        if (ids === usable) assert.deepEqual(found, [])
        else assert.match(found.join(), new RegExp(`and ${ids.length} rows hold`))
      }
      await writeData(data, { users: USERS.replace('i AS', `if(i = 0, 'a' || chr(0) || 'b', 'u' || i) AS`) })
      assert.ok((await inspectHere(data)).warnings.some(({ kind }) => kind === 'unusableId'))
    }))

  test('pages that do not have their checksum are told of, file by file', () =>
    withFolder(async (data) => {
      await cp(CHECKSUMS, data, { recursive: true })
      const before = await inspectHere(data)
      assert.deepEqual(
        before.warnings.filter(({ kind }) => kind === 'unreadable'),
        [],
      )
      const flips = JSON.parse(await readFile(join(CHECKSUMS, 'flips.json'), 'utf8')) as Record<
        string,
        [number, number, string][]
      >
      const damaged = Object.keys(flips).slice(0, 3)
      for (const name of damaged) {
        const [at, bit] = flips[name].find(([, , where]) => where === 'page') ?? assert.fail(name)
        const bytes = await readFile(join(data, name))
        bytes[at] ^= 1 << bit
        await writeFile(join(data, name), bytes)
      }
      const { warnings } = await inspectHere(data)
      const found = warnings.filter(
        ({ kind, message }) => kind === 'unreadable' && /checksum of page/.test(message),
      )
      assert.deepEqual(found.map(({ file }) => file).toSorted(), damaged.toSorted())
      for (const { file, message } of found)
        assert.match(message, new RegExp(`^Cannot read ${file}: .*Restore it`))
    }))

  test('of several click files, the one that cannot be read is named', () =>
    withFolder(async (data) => {
      await writeData(data)
      const name = 'train/b.parquet'
      for (const file of ['train/a2.parquet', name, 'train/c.parquet'])
        await writeParquetFile(data, file, `SELECT * FROM '${join(data, 'train/a.parquet')}'`)
      const bytes = await readFile(join(data, name))
      bytes.fill(0xff, 40, Math.floor(bytes.length / 2))
      await writeFile(join(data, name), bytes)
      const { warnings } = await inspectHere(data)
      const found = warnings.filter(({ kind }) => kind === 'unreadable')
      assert.ok(found.length > 0)
      for (const { file, message } of found)
        assert.deepEqual([file, message.slice(0, name.length + 9)], [name, `${name}: column `])
    }))

  test('files that are missing, empty, damaged or different are reported, the others read', () =>
    withFolder(async (data) => {
      await writeData(data, { train: `${CLICKS}, i % 20 AS position` })
      await rm(join(data, 'user_features.parquet'))
      await writeFile(join(data, 'train/b.parquet'), 'no Parquet')
      const clicks = (name: string, columns: string, rows: number) =>
        writeParquetFile(data, name, `SELECT ${columns} FROM range(${rows}) t(i)`)
      await clicks('train/c.parquet', CLICKS, 0)
      await clicks('train/d.parquet', CLICKS, 1000)
      await clicks('train/e.parquet', `${CLICKS}, 'top' AS position`, 1000)
      await clicks('train/f.parquet', `${CLICKS}, 'top' AS position`, 1000)
      await clicks('train/g.parquet', `i % 20 AS position, ${CLICKS}`, 1000)
      const { files, columns, warnings, features } = await inspectHere(data)
      assert.equal(files.users, null)
      assert.deepEqual([files.train?.files, files.train?.rows, files.train?.withoutUser], [3, 5000, null])
      assert.equal(column(columns.clicks, 'position').missing, 1000)
      assert.deepEqual(Object.keys(features), ['restaurant.price'])
      assert.deepEqual(
        warnings.map(({ kind, file }) => [kind, file]),
        [
          ['missingFile', 'user_features.parquet'],
          ['unreadable', 'train/b.parquet'],
          ['empty', 'train/c.parquet'],
          ['differentColumns', 'train/d.parquet'],
          ['differentColumns', 'train/e.parquet'],
        ],
      )
      assert.match(warnings[0].message, /--user-file/)
      assert.match(
        warnings[3].message,
        /column position is missing, in train\/a\.parquet it is BIGINT; write/,
      )
      assert.match(
        warnings[4].message,
        /e\.parquet \(and 1 more\): column position is VARCHAR, .* not inspected/,
      )
      await rm(join(data, 'train'), { recursive: true })
      const without = await inspectHere(data)
      assert.equal(without.files.train, null)
      assert.match(without.warnings[1].message, /train\/\*\*\/\*\.parquet: no file .*--train-files/)
    }))

  test('of more ids than are held in memory, a part tells about all', () =>
    withFolder(async (data) => {
      await writeData(data)
      const users =
        'SELECT i - (i < 1000000)::INT * (i % 2) AS user_id, i % 61 AS age FROM range(5000000) t(i)'
      await writeParquetFile(data, 'user_features.parquet', users)
      await writeParquetFile(
        data,
        'train/a.parquet',
        `SELECT ${CLICKS.replace('i * 13 % 400', '(hash(i) % 5500000)::BIGINT')} FROM range(40000) t(i)`,
      )
      const { files, warnings } = await inspectHere(data)
      // Half of the first million are not there, nor the last half of a million.
      const share = 1e6 / 5.5e6
      assert.ok(Math.abs((files.train?.withoutUser ?? 0) - share) < 0.02, String(files.train?.withoutUser))
      assert.deepEqual(
        warnings.map(({ kind }) => kind),
        ['duplicateId', 'noFeatures'],
      )
      const [, ids] = /holds (\d+) ids more than once/.exec(warnings[0].message) ?? []
      assert.ok(Math.abs(Number(ids) - 500_000) < 10_000, ids)
    }))

  test('no folder, no feature table at all: an error', () =>
    withFolder(async (data) => {
      await assert.rejects(inspect({ data: join(data, 'absent') }), isError('INPUT', /no such folder/))
      await assert.rejects(
        inspect({ data }),
        isError('INPUT', /Cannot inspect .*user_features\.parquet: .*restaurant_features\.parquet: /),
      )
      await assert.rejects(
        inspect({ data, onMissing: 'drop' } as Parameters<typeof inspect>[0]),
        isError('USAGE', /unknown key "onMissing"/),
      )
      await writeData(data)
      const stopped = new AbortController()
      await assert.rejects(
        inspect({ data, signal: stopped.signal, onProgress: () => stopped.abort() }),
        isError('ABORTED'),
      )
    }))

  test('numbered columns, named ones, and a side that has ids alone', () =>
    withFolder(async (data) => {
      await writeData(data, {
        users: `${USERS}, 1.5 AS f01, i AS f00`,
        restaurants: RESTAURANTS.replace(/, i % 5.*/, ''),
      })
      const numbered = await inspectHere(data)
      assert.deepEqual(Object.keys(numbered.features), ['user.f00', 'user.f01', 'restaurant.restaurant_id'])
      assert.deepEqual(numbered.features['restaurant.restaurant_id'], {
        kind: 'category',
        minCount: 1,
        dim: 4,
      })
      assert.equal(numbered.leftOut['user.age'], 'the columns named f and digits are the features')
      const named = await inspectHere(data, { userFeatures: ['gender', 'age'] })
      assert.deepEqual(Object.keys(named.features).slice(0, 2), ['user.gender', 'user.age'])
      assert.equal(named.leftOut['user.f00'], 'it is not among the named features')
      const wrong = await inspectHere(data, { userFeatures: ['sex'] })
      assert.match(wrong.warnings[0].message, /it has no column sex/)
    }))

  test('real data: restaurants and consumers', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'features.json')
      const found = await inspect({ data: UCI, columns: UCI_NAMES, out })
      assert.deepEqual(
        [found.files.train?.rows, found.files.train?.clicks, found.files.test?.rows],
        [928, 383, 233],
      )
      assert.deepEqual([found.files.train?.withoutUser, found.files.test?.withoutRestaurant], [0, 0])
      assert.deepEqual(
        found.warnings.map(({ kind, column: name }) => [kind, name]),
        [
          ['distinctTexts', 'name'],
          ['leak', 'rating'],
        ],
      )
      const cuisine = column(found.columns.restaurants, 'Rcuisine')
      assert.deepEqual([cuisine.missing, cuisine.feature?.kind, cuisine.distinct], [35, 'categories', 23])
      assert.equal(column(found.columns.users, 'latitude').role, 'place')
      assert.match(found.leftOut['user.latitude'], /its name is that of .* a place .*--user-features/)
      assert.ok(found.seconds > 0 && found.peakRssBytes > 2 ** 20)
      const none = Object.fromEntries(
        Object.keys(found.leftOut)
          .filter((name) => !name.startsWith('context.'))
          .map((name) => [name, false]),
      )
      const written = JSON.parse(await readFile(out, 'utf8')) as unknown
      assert.deepEqual(written, { features: { ...found.features, ...none } })
      assert.equal(found.leftOut['restaurant.name'], 'nearly every row has another text')

      const trained = await openTables({ data: UCI, columns: UCI_NAMES, cache: folder })
      assert.deepEqual(Object.keys(found.features), [
        ...namesOf(trained.users.features).map((name) => `user.${name}`),
        ...namesOf(trained.restaurants.features).map((name) => `restaurant.${name}`),
        'pair.Rcuisine~Rcuisine',
        'pair.Upayment~Rpayment',
      ])
    }))
})

/** SQL of a value for row i, of every type and sort. */
const VALUES = [
  'i',
  'i % 3',
  '-i::SMALLINT',
  '1',
  'NULL',
  `''`,
  `'x' || i`,
  `'é' || i % 2`,
  'i / 3.0',
  `if(i % 2 = 0, 'nan'::DOUBLE, i)`,
  `if(i % 2 = 0, 'inf'::FLOAT, '-inf')`,
  '1e300 * i',
  'i::HUGEINT << 60',
  'i::UBIGINT + 18446744073709551000::UBIGINT',
  'i::DECIMAL(38, 10)',
  'i % 2 = 0',
  `DATE '2024-01-01' + i::INT`,
  `if(i % 2 = 0, '-infinity'::DATE, NULL)`,
  `TIMESTAMPTZ '2024-01-01 00:00:00+00'`,
  `(TIMESTAMP '1600-01-01')::TIMESTAMP_S`,
  `if(i = 0, 'infinity'::TIMESTAMP, NULL)`,
  `TIME '10:00:00'`,
  'INTERVAL (i) DAY',
  'uuid()',
  `'\\xFF'::BLOB`,
  `[i % 3, NULL]`,
  `range(i)`,
  `['a', NULL, 'b' || i]`,
  '[]::VARCHAR[]',
  '[[i]]',
  '[NULL]::DOUBLE[]',
  `{'a': i, 'b': 'x'}`,
  `MAP {'k': i}`,
  `(i % 3)::VARCHAR::ENUM('0', '1', '2')`,
]
const NAMES = [
  'user_id',
  'restaurant_id',
  'latitude',
  'longitude',
  'click',
  'a',
  'b\'"; --',
  'c\nd',
  'f1',
  '文',
]

const COLUMN = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES))

function select(columns: readonly (readonly [name: string, value: string])[], rows: number): string {
  const named = columns.map(([name, value]) => `${value} AS "${name.replaceAll('"', '""')}"`)
  return `SELECT ${named.join(', ')} FROM range(${rows}) t(i)`
}

test('on random small tables it never throws', { timeout: 240_000 }, () =>
  withFolder(async (folder) => {
    const columns = fc.uniqueArray(COLUMN, { selector: ([name]) => name, minLength: 1 })
    const table = fc.tuple(columns, fc.constantFrom(0, 1, 2, 60))
    await withReader(new AbortController().signal, (reader) =>
      fc.assert(
        fc.asyncProperty(table, table, table, async (users, restaurants, clicks) => {
          await writeParquetFile(folder, 'user_features.parquet', select(...users))
          await writeParquetFile(folder, 'restaurant_features.parquet', select(...restaurants))
          await writeParquetFile(folder, 'train/a.parquet', select(...clicks))
          const areEmpty = users[1] === 0 && restaurants[1] === 0
          const run = { data: folder, onProgress: () => {} }
          await inspectFolder(reader, { data: folder }, run).catch((error: unknown) => {
            assert.ok(areEmpty && error instanceof NearrankError, String(error))
          })
        }),
        { numRuns: 25 },
      ),
    )
  }),
)

test('the features are those that training chooses', { timeout: 240_000 }, () =>
  withFolder(async (folder) => {
    let agreed = 0
    const columns = fc.uniqueArray(COLUMN, { selector: ([name]) => name, maxLength: 3 })
    await withReader(new AbortController().signal, (reader) =>
      fc.assert(
        fc.asyncProperty(columns, async (random) => {
          const users = [['user_id', 'i'] as const, ...random.filter(([name]) => name !== 'user_id')]
          await writeData(folder)
          await writeParquetFile(folder, 'user_features.parquet', select(users, 60))
          const run = { data: folder, onProgress: () => {} }
          const { features, columns: found } = await inspectFolder(reader, { data: folder }, run)
          const trained = await openTables({ data: folder }).catch(() => undefined)
          if (!trained) return // values that training refuses
          agreed++
          const chosen = Object.entries(features).filter(([name]) => name.startsWith('user.'))
          assert.deepEqual(
            chosen.map(([name, { kind }]) => [name, kind]),
            trained.users.features.map(({ name, kind }) => [`user.${name}`, kind]),
          )
          for (const { name, reason } of trained.users.leftOut ?? [])
            assert.equal(column(found.users, name).leftOut, reason)
        }),
        { numRuns: 20 },
      ),
    )
    assert.ok(agreed > 5, `${agreed} of 20`)
  }),
)
