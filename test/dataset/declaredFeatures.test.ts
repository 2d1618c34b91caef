import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readFeaturesInto } from '../../src/dataset/tables/readTables.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import type { FeaturesOf } from '../../src/features/featureSpec.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { inspect } from '../../src/dataset/inspect/inspect.ts'
import { isError, writeParquetFile } from './fixture.ts'

describe('declared features', () => {
  let data = ''
  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'nearrank-declared-'))
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT 'u' || i AS user_id, i % 4 AS level, 'likes ' || i AS about, ['a', 'b', 'c'][1:1 + i % 3] AS likes,
       DATE '2020-01-01' + i::INTEGER AS joined, CASE WHEN i % 9 > 0 THEN 10.0 END AS home_lat, 0.2 AS home_lon FROM range(100) t(i)`,
    )
    await writeParquetFile(
      data,
      'restaurant_features.parquet',
      `SELECT i AS restaurant_id, ['a', 'b', 'c'][1:1 + i % 3] AS cuisines, ['x', 'y'][1 + i % 2] AS mood, 10.0 AS latitude, i / 100.0 AS longitude FROM range(50) t(i)`,
    )
    await writeParquetFile(
      data,
      'train/clicks.parquet',
      `SELECT 'u' || (i % 100) AS user_id, i % 50 AS restaurant_id, i % 2 AS click, 10.1 AS latitude, 0.1 AS longitude,
       ['ios', 'web'][1 + i % 2] AS device, i % 5 AS stars, i % 3 = 0 AS promo,
       DATE '2026-01-01' + i::INTEGER AS day, TIMESTAMP '2026-01-01' + to_minutes(i) AS at FROM range(400) t(i)`,
    )
  })
  after(() => rm(data, { recursive: true, force: true }))

  async function featuresOf(options: Omit<DatasetOptions, 'data'>): Promise<FeaturesOf> {
    const tables = await openTables({ data, ...options })
    const pack = await openRows({ data, ...options }, tables, 'train')
    await pack.close()
    return fittedBy(tables, pack)
  }
  const shapes = ({ users, restaurants, context = [], pairs = [] }: FeaturesOf) =>
    [users, restaurants, context, pairs].map((list) => list.map(({ name, kind }) => `${name} ${kind}`))

  test('without any: by the columns', async () => {
    assert.deepEqual(shapes(await featuresOf({})), [
      ['level number', 'likes categories', 'joined time', 'home_lat number'],
      ['cuisines categories', 'mood category'],
      [],
      ['distance distance', 'likes~cuisines overlap'],
    ])
  })

  test('of another kind, of further columns, and none', async () => {
    const features = await featuresOf({
      ids: 'users',
      features: {
        'user.level': { kind: 'category', dim: 8 },
        'user.about': { kind: 'text', buckets: 32 },
        'user.joined': { kind: 'time', parts: ['month'] },
        'restaurant.mood': false,
        'restaurant.restaurant_id': { kind: 'category' },
        'context.device': { kind: 'category' },
        'pair.distance': false,
        'pair.taste': { kind: 'overlap', user: 'likes', restaurant: 'cuisines' },
      },
    })
    assert.deepEqual(shapes(features), [
      [
        'level category',
        'about text',
        'likes categories',
        'joined time',
        'home_lat number',
        'user_id category',
      ],
      ['cuisines categories', 'restaurant_id category'],
      ['device category'],
      ['likes~cuisines overlap', 'taste overlap'],
    ])
    const [level, about, , joined] = features.users
    assert.ok(level.kind === 'category' && level.dim === 8 && level.values.join() === '0,1,2,3')
    assert.ok(joined.kind === 'time' && joined.parts.join() === 'month')
    assert.ok(about.kind === 'text' && about.buckets === 32)
    const [, ids] = features.restaurants
    assert.ok(ids.kind === 'category' && ids.values.length === 50)
  })

  test('numbers on a scale, within bounds, with a value of their own where they are missing', async () => {
    const { users } = await featuresOf({
      features: {
        'user.level': { kind: 'number', scale: 'rank' },
        'user.home_lat': { kind: 'number', scale: 'log', clip: [0, 9], missing: 4 },
        'user.likes': { kind: 'categories', buckets: 16, dim: 4 },
        'user.joined': false,
        'user.home_lon': false,
      },
    })
    const [level, likes, latitude] = users
    assert.ok(level.kind === 'number' && level.knots?.length === 65)
    assert.deepEqual([level.knots[0], level.knots[20], level.knots[40], level.knots[64]], [0, 1, 2, 3])
    assert.deepEqual(likes, {
      name: 'likes',
      kind: 'categories',
      values: [],
      buckets: 16,
      dim: 4,
      maxValues: 3,
    })
    assert.deepEqual(latitude, {
      name: 'home_lat',
      kind: 'number',
      clip: [0, 9],
      scale: 'log',
      missing: { value: 4, flag: true },
    })
  })

  test('packing encodes a scaled number as the encoder does', async () => {
    const features = { 'user.home_lat': { kind: 'number', scale: 'log', clip: [0, 9], missing: 4 } } as const
    const tables = await openTables({ data, userFeatures: ['home_lat'], features })
    const rows = new Float32Array(200)
    await readFeaturesInto(tables.users, rows, 2)
    assert.deepEqual([...rows.subarray(0, 4)], [Math.log1p(4), 1, Math.log1p(9), 0].map(Math.fround))
  })

  test('places: of two columns, the own one, and where the click was', async () => {
    const places = {
      'user.home': { kind: 'cell', latitude: 'home_lat', longitude: 'home_lon', sizesM: [700] },
      'user.home_lat': false,
      'user.home_lon': false,
      'restaurant.area': { kind: 'cell', dim: 8 },
      'context.here': { kind: 'cell', buckets: 64 },
    } as const
    const { users, restaurants, context } = await featuresOf({ features: places })
    assert.deepEqual(users.at(-1), {
      name: 'home',
      kind: 'cell',
      columns: ['home_lat', 'home_lon'],
      sizesM: [700],
      buckets: 4096,
      dim: 4,
    })
    const sizesM = [500, 2000, 10_000]
    assert.deepEqual(restaurants.at(-1), {
      name: 'area',
      kind: 'cell',
      place: true,
      sizesM,
      buckets: 4096,
      dim: 8,
    })
    assert.deepEqual(context, [{ name: 'here', kind: 'cell', place: true, sizesM, buckets: 64, dim: 4 }])
  })

  test('a column that is named is a feature, whatever is declared; the label is none', async () => {
    const named = await featuresOf({ contextFeatures: ['device'], features: { 'context.device': false } })
    assert.deepEqual(
      named.context?.map(({ name }) => name),
      ['device'],
    )
    await assert.rejects(
      featuresOf({ contextFeatures: ['click'] }),
      isError('USAGE', /column click of the clicks as a feature: it is the label/),
    )
    await assert.rejects(
      featuresOf({ features: { 'user.gone': false } }),
      isError('INPUT', /user_features\.parquet: it has no column gone/),
    )
  })

  test('a number of the context may be missing later: the mean takes its place, without a flag', async () => {
    const { context } = await featuresOf({ contextFeatures: ['stars'] })
    assert.deepEqual(context, [{ name: 'stars', kind: 'number', missing: { value: 2, flag: false } }])
  })

  test('other declarations are other packs, the same are the same', async () => {
    const open = (features: DatasetOptions['features']) => openTables({ data, ...(features && { features }) })
    const first = await open({ 'user.level': { kind: 'category' } })
    const other = await open({ 'user.level': { kind: 'number' } })
    const again = await open({ 'user.level': { kind: 'category' } })
    assert.notEqual(first.fingerprint, other.fingerprint)
    assert.equal(first.fingerprint, again.fingerprint)
  })

  test('a column of the clicks must be of one type in all files', async () => {
    const device = (name: string, value: string) =>
      writeParquetFile(
        data,
        `mixed/${name}.parquet`,
        `SELECT 'u1' AS user_id, 1 AS restaurant_id, 1 AS click, ${value} AS device`,
      )
    const context = () => featuresOf({ trainFiles: 'mixed/*.parquet', contextFeatures: ['device'] })
    await device('a', '3::INTEGER')
    await device('b', '4::BIGINT')
    assert.deepEqual(
      (await context()).context?.map(({ name, kind }) => `${name} ${kind}`),
      ['device number'],
    )
    await device('b', `'ios'`)
    await assert.rejects(
      context(),
      isError(
        'INPUT',
        /mixed\/b\.parquet: column device must be INTEGER as in mixed\/a\.parquet, found VARCHAR; write all/,
      ),
    )
  })

  test('a column whose name no model could hold is refused, or left out', async () => {
    const name = 'x'.repeat(401)
    await writeParquetFile(
      data,
      'long.parquet',
      `SELECT 'u' || i AS user_id, i % 4 AS level, i % 3 AS ${name} FROM range(100) t(i)`,
    )
    const message =
      /long\.parquet: the name of a feature must have at most 400 characters, found column x{40}… with 401/
    await assert.rejects(featuresOf({ userFile: 'long.parquet' }), isError('INPUT', message))
    const { users } = await featuresOf({ userFile: 'long.parquet', userFeatures: ['level'] })
    assert.equal(users.length, 1)
  })

  test('an overlap of two single categories says whether they are the same', async () => {
    const features = {
      'user.level': { kind: 'category' },
      'restaurant.mood': { kind: 'category' },
      'pair.same': { kind: 'overlap', user: 'level', restaurant: 'mood' },
    } as const
    const { pairs } = await featuresOf({ features })
    assert.deepEqual(pairs?.at(-1), { name: 'same', kind: 'overlap', user: 'level', restaurant: 'mood' })
  })

  test('of named columns of the clicks: as inspect tells it, and of a time what later clicks have, too', async () => {
    const contextFeatures = ['promo', 'day', 'at']
    const { context = [] } = await featuresOf({ contextFeatures })
    const partsOf = (feature: object) => ('parts' in feature ? feature.parts : undefined)
    const found = context.map((feature) => [feature.kind, partsOf(feature)])
    assert.deepEqual(found, [
      ['number', undefined],
      ['time', ['weekday']],
      ['time', ['hour', 'weekday']],
    ])
    const { columns } = await inspect({ data })
    const told = columns.clicks
      .filter(({ name }) => contextFeatures.includes(name))
      .map(({ feature }) => feature && [feature.kind, partsOf(feature)])
    assert.deepEqual(told, found)
  })

  const refused: [
    name: string,
    features: Record<string, unknown>,
    code: 'USAGE' | 'INPUT',
    pattern: RegExp,
  ][] = [
    [
      'no source',
      { age: { kind: 'number' } },
      'USAGE',
      /feature "age": its name must begin with user\., restaurant\., context\., pair\. and tell a column/,
    ],
    ['a source misspelt', { 'usr.age': false }, 'USAGE', /did you mean user\.age\?/],
    [
      'no kind',
      { 'user.level': {} },
      'USAGE',
      /feature user\.level: its kind must be one of number, category, categories, text, vector, time, cell, found undefined/,
    ],
    [
      'a place that has the name of a column in other letters',
      { 'user.LEVEL': { kind: 'cell', latitude: 'home_lat', longitude: 'home_lon' } },
      'INPUT',
      /feature LEVEL: user_features\.parquet has a column level, which only upper and lower case tell from it/,
    ],
    [
      'a kind misspelt',
      { 'user.level': { kind: 'catgory' } },
      'USAGE',
      /found "catgory"; did you mean category\?/,
    ],
    [
      'no object',
      { 'user.level': 'category' },
      'USAGE',
      /must be false or an object such as .*found "category"/,
    ],
    [
      'an option of another kind',
      { 'user.level': { kind: 'number', dim: 8 } },
      'USAGE',
      /feature user\.level: .*dim is unknown/,
    ],
    [
      'a size that the kernels cannot take',
      { 'user.level': { kind: 'category', dim: 6 } },
      'USAGE',
      /feature user\.level: dim must be .*found 6/,
    ],
    [
      'a column that is not there',
      { 'user.levl': { kind: 'number' } },
      'INPUT',
      /user_features\.parquet: it has no column levl/,
    ],
    [
      'a kind for other values',
      { 'user.likes': { kind: 'number' } },
      'INPUT',
      /column likes must hold values for a feature of the kind number, found VARCHAR\[\]/,
    ],
    [
      'bounds in the wrong order',
      { 'user.level': { kind: 'number', clip: [3, 3] } },
      'USAGE',
      /feature user\.level: clip must be a lower and an upper bound, found \[3,3\]/,
    ],
    [
      'a scale that there is not',
      { 'user.level': { kind: 'number', scale: 'sqrt' } },
      'USAGE',
      /feature user\.level: scale/,
    ],
    [
      'a place of a user without columns',
      { 'user.home': { kind: 'cell' } },
      'INPUT',
      /user_features\.parquet: it has no column home/,
    ],
    [
      'half of the columns of a place',
      { 'user.home': { kind: 'cell', latitude: 'home_lat' } },
      'USAGE',
      /feature user\.home: latitude and longitude must both be given, or neither/,
    ],
    [
      'a place in columns of texts',
      { 'user.home': { kind: 'cell', latitude: 'about', longitude: 'home_lon' } },
      'INPUT',
      /column about must hold numbers, found VARCHAR/,
    ],
    [
      'a pair of no features',
      { 'pair.x': { kind: 'overlap', user: 'level', restaurant: 'cuisines' } },
      'USAGE',
      /pair x must be of features that are categories with a vocabulary, found user\.level, which is of the kind number/,
    ],
    [
      'a name that no model could hold',
      { [`user.${'x'.repeat(401)}`]: { kind: 'number' } },
      'USAGE',
      /feature user\.x+…: its name must have at most 400 characters, found 401/,
    ],
    [
      'a zone that there is not',
      { 'user.joined': { kind: 'time', zone: 'Europe/Atlantis' } },
      'USAGE',
      /feature user\.joined: zone must be a time zone that this Node\.js knows, such as Europe\/Berlin/,
    ],
    [
      'a zone of days without hours',
      { 'user.joined': { kind: 'time', zone: 'Europe/Berlin' } },
      'INPUT',
      /column joined holds days, found DATE, which are the same in every zone; declare the feature without zone/,
    ],
    [
      'a distance of a user',
      { 'user.level': { kind: 'distance' } },
      'USAGE',
      /its kind must be one of number.*found "distance"/,
    ],
  ]
  for (const [name, features, code, pattern] of refused)
    test(`refuses ${name}`, () =>
      assert.rejects(
        featuresOf({ features: features as NonNullable<DatasetOptions['features']> }),
        isError(code, pattern),
      ))
})
