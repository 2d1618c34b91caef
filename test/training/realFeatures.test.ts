import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { evaluate, recommend, train } from '../../src/index.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import type { Declaration } from '../../src/features/declaration.ts'
import type { FeaturesOf, FeatureSpec } from '../../src/features/featureSpec.ts'
import type { StateDict } from '../../src/model/network.ts'
import { startServer } from '../../src/server/startServer.ts'
import { Random } from '../../src/random.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'

// A small town: who likes what, where things are, and when and with what somebody looked.
const CUISINES = ['thai', 'pizza', 'sushi', 'grill', 'vegan']
const USERS = 60
const RESTAURANTS = 40
const CLICKS = 6000

interface User {
  id: string
  age: number | null
  likes: string[] | null
}
interface Restaurant {
  id: number
  cuisines: string[]
  rating: number | null
  opened: string
  latitude: number
  longitude: number
}
interface Click {
  user: User
  restaurant: Restaurant
  hour: number
  device: string | null
  latitude: number
  longitude: number
  click: number
}

const random = new Random(11)
const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]
const anyOf = () => CUISINES.filter(() => random.float() < 0.4)

const users = Array.from({ length: USERS }, (_, i): User => {
  return { id: `u${i}`, age: i % 7 === 0 ? null : 18 + random.below(50), likes: i % 9 === 0 ? null : anyOf() }
})
const restaurants = Array.from({ length: RESTAURANTS }, (_, i): Restaurant => {
  const rating = i % 5 === 0 ? null : 1 + random.below(9) / 2
  const opened = `201${random.below(10)}-0${1 + random.below(9)}-15`
  return {
    id: 900 + 7 * i,
    cuisines: [pick(CUISINES), pick(CUISINES)],
    rating,
    opened,
    latitude: 13 + random.float() / 10,
    longitude: 100 + random.float() / 10,
  }
})
const clicks = Array.from({ length: CLICKS }, (): Click => {
  const [user, restaurant] = [pick(users), pick(restaurants)]
  const hour = random.below(24)
  const device = random.float() < 0.3 ? null : pick(['ios', 'android'])
  const taste = restaurant.cuisines.some((cuisine) => user.likes?.includes(cuisine)) ? 2 : -1
  const logit = taste + (hour > 12 ? 0.5 : -0.5) + (device === 'ios' ? 0.5 : 0) - 1
  return {
    user,
    restaurant,
    hour,
    device,
    latitude: 13 + random.float() / 10,
    longitude: 100 + random.float() / 10,
    click: random.float() < 1 / (1 + Math.exp(-logit)) ? 1 : 0,
  }
})

// Beside what is inferred, pairs of every other kind, one hashed, and rates of an id and of a context.
const FEATURES = {
  'restaurant.area': { kind: 'cell', sizesM: [2000, 10_000], buckets: 50 },
  'context.here': { kind: 'cell', sizesM: [5000] },
  'restaurant.restaurant_id': { kind: 'category', dim: 0 },
  'pair.age_rating': { kind: 'difference', user: 'age', restaurant: 'rating' },
  'context.time': { kind: 'time', zone: 'America/Bogota' }, // five hours behind UTC, all year
  'pair.lunch': { kind: 'cross', restaurant: 'cuisines', context: 'time.hour' },
  'pair.mood': { kind: 'cross', user: 'likes', context: 'device', buckets: 11 },
  'pair.place_rate': { kind: 'rate', restaurant: 'restaurant_id' },
  'pair.device_rate': { kind: 'rate', context: 'device', prior: 5, folds: 3 },
} satisfies Declaration

const text = (value: string | null) => (value === null ? 'NULL' : `'${value}'`)
const listSql = (values: string[] | null) =>
  values === null ? 'NULL' : `[${values.map(text).join(', ')}]::VARCHAR[]`
const rows = (values: string[]) => values.map((value) => `(${value})`).join(', ')

async function writeTown(data: string): Promise<void> {
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT * FROM (VALUES ${rows(users.map(({ id, age, likes }) => `'${id}', ${age}::INTEGER, ${listSql(likes)}`))}) t(user_id, age, likes)`,
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT * FROM (VALUES ${rows(
      restaurants.map(
        (one) =>
          `${one.id}, ${listSql(one.cuisines)}, ${one.rating}::DOUBLE, DATE '${one.opened}', ${one.latitude}::DOUBLE, ${one.longitude}::DOUBLE`,
      ),
    )}) t(restaurant_id, cuisines, rating, opened, latitude, longitude)`,
  )
  for (const [split, some] of [
    ['train', clicks.slice(0, 5000)],
    ['test', clicks.slice(5000)],
  ] as const)
    await writeParquetFile(
      data,
      `${split}/clicks.parquet`,
      `SELECT * FROM (VALUES ${rows(
        some.map(
          (one) =>
            `'${one.user.id}', ${one.restaurant.id}, TIMESTAMP '2024-03-0${1 + (one.hour % 7)} ${String(one.hour).padStart(2, '0')}:10:00' + INTERVAL 5 HOUR, ${text(one.device)}, ${one.latitude}::DOUBLE, ${one.longitude}::DOUBLE, ${one.click}`,
        ),
      )}) t(user_id, restaurant_id, time, device, latitude, longitude, click)`,
    )
}

/** The probability of a click by the model's files and the raw values: nothing of src/features takes part. */
function oracle(
  { users: own, restaurants: other, context = [] }: FeaturesOf,
  weights: StateDict,
  layers: number[],
): (click: Click) => number {
  const tensor = (name: string) => weights.get(name)!
  const meanOf = (name: string, codes: number[]) => {
    const { shape, data } = tensor(`embedding.${name}.weight`)
    const used = codes.length > 0 ? codes : [0]
    return Array.from({ length: shape[1] }, (_, k) =>
      used.reduce((sum, code) => sum + data[code * shape[1] + k] / used.length, 0),
    )
  }
  const spec = (features: FeatureSpec[], name: string) => features.find((feature) => feature.name === name)!
  const codeIn = (feature: FeatureSpec, value: string) => {
    assert.ok(feature.kind === 'category' || feature.kind === 'categories')
    const at = feature.values.indexOf(value)
    return at < 0 ? 1 : 2 + at
  }
  const numberOf = (feature: FeatureSpec, value: number | null) => {
    assert.ok(feature.kind === 'number')
    if (!feature.missing) return [value!]
    return value === null ? [feature.missing.value, 1] : [value, 0]
  }
  const trained = clicks.slice(0, 5000)
  const mean = (trained.filter(({ click }) => click === 1).length + 0.5) / (trained.length + 1)
  const rateOf = (some: Click[], prior: number) => {
    const clicked = some.filter(({ click }) => click === 1).length
    const rate = (clicked + prior * mean) / (some.length + prior)
    return [Math.log(rate / (1 - rate)), Math.log1p(some.length)]
  }
  const ofPlace = Map.groupBy(trained, ({ restaurant }) => restaurant.id)
  const ofDevice = Map.groupBy(trained, ({ device }) => device)
  const mix = (hash: number, code: number) => {
    let h = (Math.imul(hash, 31) + code) >>> 0
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0
    return (h ^ (h >>> 16)) >>> 0
  }
  const cell = (place: { latitude: number; longitude: number }, size: number) => {
    const height = size / 111_195
    const row = Math.floor((place.latitude + 90) / height)
    const columns = Math.round((360 * Math.cos((((row + 0.5) * height - 90) * Math.PI) / 180)) / height)
    const column = Math.floor(((place.longitude + 180) / 360) * columns)
    let h = (Math.imul(row, 0x9e3779b1) ^ column) >>> 0
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0
    return (h ^ (h >>> 16)) >>> 0
  }
  return ({ user, restaurant, hour, device, latitude, longitude }) => {
    const deviceCode = device === null ? 0 : codeIn(spec(context, 'device'), device)
    const { age } = user
    const { rating } = restaurant
    const older = age === null || rating === null ? 0 : age - rating
    const opened = Date.parse(restaurant.opened)
    const r = Math.PI / 180
    const cosine =
      Math.sin(latitude * r) * Math.sin(restaurant.latitude * r) +
      Math.cos(latitude * r) *
        Math.cos(restaurant.latitude * r) *
        Math.cos((longitude - restaurant.longitude) * r)
    const metres = 6_371_008.8 * Math.acos(Math.min(1, cosine))
    const both = new Set(
      restaurant.cuisines.filter((one) => CUISINES.includes(one) && user.likes?.includes(one)), // unseen: no match
    )
    const all = (user.likes?.length ?? 0) + new Set(restaurant.cuisines).size - both.size
    const bucket = metres < 100 ? 0 : Math.min(31, 1 + Math.floor(2 * Math.log2(metres / 100)))
    const x = [
      ...numberOf(spec(own, 'age'), user.age),
      ...numberOf(spec(other, 'rating'), restaurant.rating),
      opened / 86_400_000,
      Math.log1p(metres),
      0,
      both.size,
      all > 0 ? both.size / all : 0,
      older,
      Math.abs(older),
      ...rateOf(ofPlace.get(restaurant.id) ?? [], 20),
      ...rateOf(ofDevice.get(device) ?? [], 5),
      ...meanOf(
        'user.likes',
        (user.likes ?? []).map((one) => codeIn(spec(own, 'likes'), one)),
      ),
      ...meanOf(
        'restaurant.cuisines',
        restaurant.cuisines.map((one) => codeIn(spec(other, 'cuisines'), one)),
      ),
      ...meanOf('restaurant.opened.month', [2 + new Date(opened).getUTCMonth()]),
      ...meanOf('restaurant.area.2000m', [2 + (cell(restaurant, 2000) % 50)]),
      ...meanOf('restaurant.area.10000m', [2 + (cell(restaurant, 10_000) % 50)]),
      ...meanOf('context.time.hour', [2 + hour]),
      ...meanOf('context.time.weekday', [2 + ((4 + (hour % 7)) % 7)]), // 1 March 2024 was a Friday
      ...meanOf('context.device', [deviceCode]),
      ...meanOf('context.here.5000m', [2 + (cell({ latitude, longitude }, 5000) % 4096)]),
      ...meanOf('pair.distance', [2 + bucket]),
      ...meanOf(
        'pair.lunch',
        restaurant.cuisines.map((one) => 2 + codeIn(spec(other, 'cuisines'), one) * 26 + 2 + hour),
      ),
      ...meanOf(
        'pair.mood',
        (device === null ? [] : (user.likes ?? [])).map(
          (one) => 2 + (mix(mix(0, codeIn(spec(own, 'likes'), one)), deviceCode) % 11),
        ),
      ),
    ]
    let h = x
    for (const [i, layer] of layers.entries()) {
      const { shape, data } = tensor(`model.${layer}.weight`)
      const bias = tensor(`model.${layer}.bias`).data
      h = Array.from({ length: shape[0] }, (_, o) =>
        h.reduce((sum, value, k) => sum + value * data[o * shape[1] + k], bias[o]),
      )
      if (i < layers.length - 1) h = h.map((value) => Math.max(0, value))
    }
    return 1 / (1 + Math.exp(-h[0]))
  }
}

describe('real features, from Parquet to a ranked list', () => {
  let folder = ''
  let data = ''
  let model = ''
  const options = () => ({
    data,
    out: model,
    contextFeatures: ['time', 'device'],
    features: FEATURES,
    epochs: 30,
    batchSize: 128,
    hidden: [12, 6],
    warmupSteps: 10,
    validation: 0,
  })
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nearrank-real-'))
    data = join(folder, 'data')
    model = join(folder, 'model')
    await writeTown(data)
    await train(options())
  })

  after(() => rm(folder, { recursive: true, force: true }))

  test('evaluate and recommend score as an independent calculation from the files of the model', async () => {
    const { description, weights } = await loadModelFiles(model)
    const probabilityOf = oracle(description.features!, weights, [0, 2, 4])
    const tested = clicks.slice(5000)
    const loss = tested.reduce((sum, one) => {
      const p = probabilityOf(one)
      return sum - Math.log(one.click === 1 ? p : 1 - p)
    }, 0)
    const metrics = await evaluate({ data, model })
    assert.ok(
      Math.abs(metrics.logLoss - loss / tested.length) < 1e-5,
      `${metrics.logLoss} ${loss / tested.length}`,
    )
    assert.ok(metrics.auc! > 0.7, `${metrics.auc}`)

    for (const one of tested.slice(0, 12)) {
      const time = `2024-03-0${1 + (one.hour % 7)}T${String(one.hour).padStart(2, '0')}:10:00-05:00`
      const { latitude, longitude } = one
      const context = { time, device: one.device }
      const request = {
        candidateRestaurantIds: null,
        latitude,
        longitude,
        size: 40,
        maxDistM: 1e7,
        sortByDistance: false,
        context,
      }
      const answer = await recommend({ user: one.user.id, request }, { data, model })
      assert.equal(answer.restaurants.length, RESTAURANTS)
      for (const { id, score } of answer.restaurants) {
        const restaurant = restaurants.find((candidate) => candidate.id === id)!
        const expected = probabilityOf({ ...one, restaurant })
        assert.ok(Math.abs(score - expected) < 1e-5, `${one.user.id} ${id}: ${score} ${expected}`)
      }
    }
  })

  test('a server scores 1,000 requests the same, with nulls, unseen values and what is put over HTTP', async () => {
    const { description, weights } = await loadModelFiles(model)
    const probabilityOf = oracle(description.features!, weights, [0, 2, 4])
    const server = await startServer({
      model,
      store: `sqlite:${join(folder, 'features.db')}`,
      fill: { data },
      port: 0,
      workers: 1,
      logLevel: 'fatal',
    })
    try {
      const call = (method: string, path: string, body: object) =>
        fetch(`http://127.0.0.1:${server.port}${path}`, {
          method,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      const stranger: User = { id: 'stranger', age: null, likes: ['thai', 'never seen'] }
      const { id, age, likes } = stranger
      assert.equal((await call('PUT', `/users/${id}`, { features: { age, likes } })).status, 204)
      const cuisines = ['pizza', 'never seen']
      const place = { latitude: 13.05, longitude: 100.05 }
      const features = { cuisines, rating: null, opened: '2021-05-15' }
      const newcomer: Restaurant = { id: 4_206_210_690, ...features, ...place }
      const put = await call('PUT', `/restaurants/${newcomer.id}`, { features, ...place })
      assert.equal(put.status, 204)
      const places = new Map([...restaurants, newcomer].map((one) => [one.id, one]))

      const asked = clicks.slice(5000)
      assert.equal(asked.length, 1000)
      for (const [i, click] of asked.entries()) {
        const one = { ...click }
        if (i % 10 === 0) one.user = stranger
        if (i % 7 === 0) one.device = 'never seen'
        const time = `2024-03-0${1 + (one.hour % 7)}T${String(one.hour).padStart(2, '0')}:10:00-05:00`
        const { latitude, longitude, device } = one
        const candidates = i < 10 ? [...places.keys()] : [one.restaurant.id, newcomer.id]
        const body = { latitude, longitude, size: 50, max_dist: 1e7, context: { time, device } }
        const answer = await call('POST', `/recommend/${one.user.id}`, {
          ...body,
          ...(i > 0 && { candidate_restaurant_ids: candidates }),
        })
        const { restaurants: list } = (await answer.json()) as {
          restaurants: { id: number; score: number }[]
        }
        assert.deepEqual(new Set(list.map((line) => line.id)), new Set(candidates))
        for (const { id: found, score } of list) {
          const expected = probabilityOf({ ...one, restaurant: places.get(found)! })
          assert.ok(Math.abs(score - expected) < 1e-5, `${one.user.id} ${found}: ${score} ${expected}`)
        }
      }
      const wrong = await call('POST', '/recommend/u1', {
        latitude: 13,
        longitude: 100,
        context: { rain: 1 },
      })
      assert.equal(wrong.status, 400)
      assert.match(await wrong.text(), /its context may tell time, device, found \\"rain\\"/)
    } finally {
      await server.stop()
    }
  })

  test('the same bytes for any number of threads', async () => {
    const weights = await readFile(join(model, 'weights.safetensors'))
    for (const threads of [1, 3]) {
      const out = join(folder, `model-${threads}`)
      await train({ ...options(), out, threads })
      assert.ok(weights.equals(await readFile(join(out, 'weights.safetensors'))), `${threads} threads`)
    }
  })

  test('a context that the model does not know is refused', async () => {
    const request = {
      candidateRestaurantIds: null,
      latitude: 13,
      longitude: 100,
      size: 1,
      maxDistM: 1e7,
      sortByDistance: false,
    }
    const ask = (context: Record<string, unknown>) =>
      recommend(
        { user: 'u1', request: { ...request, context: context as Record<string, string> } },
        { data, model },
      )
    await assert.rejects(
      ask({ weather: 'rain' }),
      isError('INPUT', /its context may tell time, device, found "weather"/),
    )
    await assert.rejects(
      ask({ device: ['ios'] }),
      isError('INPUT', /in its context, feature device must be a text/),
    )
    await ask({}) // what is not told is missing, and the time is now
  })

  test('columns of the clicks must be there, in every file', async () => {
    await assert.rejects(
      train({ ...options(), out: join(folder, 'none'), contextFeatures: ['weather'] }),
      isError('INPUT', /clicks\.parquet: it has no column weather/),
    )
  })
})
