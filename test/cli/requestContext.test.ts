import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type FeatureValues, NearrankClient } from '../../src/client/nearrankClient.ts'
import { readRequests } from '../../src/dataset/requests.ts'
import type { RawRow } from '../../src/features/rawRow.ts'
import { readPreparedRequests } from '../../src/loadtest/readPreparedRequests.ts'
import { servedContext } from '../../src/loadtest/servedContext.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { recommend, train } from '../../src/index.ts'
import type { ServeOptions } from '../../src/server/serveOptions.ts'
import { type RunningServer, startServer } from '../../src/server/startServer.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { type CliResult, runCli, runCliLines } from './runCli.ts'

const PLACE = { latitude: 13.8, longitude: 100.5 }
const COLUMNS = ['weather', 'party', 'floor', 'moods', 'moment', 'day', 'vegan', 'scent']
const TYPES = ['VARCHAR', 'INTEGER', 'DOUBLE', 'VARCHAR[]', 'TIMESTAMP', 'DATE', 'BOOLEAN', 'FLOAT[]']
const TABLE = `t(user_id, ${COLUMNS.join(', ')})`

/** The requests: what the file holds, and what must be sent. */
const REQUESTS: [sql: string[], context: RawRow | undefined][] = [
  [
    [
      `'rain'`,
      '3',
      '1.5',
      `['calm', 'o''x']`,
      `'2026-03-01 18:30:00.25'`,
      `'2026-03-01'`,
      'true',
      '[1, 2.5]',
    ],
    {
      weather: 'rain',
      party: 3,
      floor: 1.5,
      moods: ['calm', "o'x"],
      moment: '2026-03-01T18:30:00.250Z',
      day: '2026-03-01',
      vegan: true,
      scent: [1, 2.5],
      shop: [13.8, 100.5],
    },
  ],
  [
    [`'snow'`, 'NULL', `'nan'`, '[]', `'1969-12-31 23:00:00'`, 'NULL', 'false', 'NULL'],
    { weather: 'snow', moods: [], moment: '1969-12-31T23:00:00.000Z', vegan: false },
  ],
  [
    ['NULL', '-1', 'NULL', `['never seen', NULL]`, `'2026-02-03'`, `'2027-01-01'`, 'NULL', '[0, 0]'],
    {
      party: -1,
      moods: ['never seen', null],
      moment: '2026-02-03T00:00:00.000Z',
      day: '2027-01-01',
      scent: [0, 0],
      shop: [13.82, 100.5],
    },
  ],
  [COLUMNS.map(() => 'NULL'), undefined],
]
const selectRows = (rows: string[][]) => {
  const typed = ([id, ...cells]: string[]) => [id, ...cells.map((sql, i) => `${sql}::${TYPES[i]}`)]
  const tuples = rows.map((row) => `(${typed(row).join(', ')})`)
  return `SELECT * FROM (VALUES ${tuples.join(', ')}) ${TABLE}`
}

interface Ranked {
  id: number
  score: number
}

async function writeData(data: string): Promise<void> {
  const users = `SELECT i AS user_id, (i % 7)::DOUBLE AS age FROM range(20) t(i)`
  await writeParquetFile(data, 'user_features.parquet', users)
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, 13.8 + 0.001 * i AS latitude, 100.5 AS longitude,
       ['thai', 'pizza', 'sushi'][1 + i % 3] AS cuisine FROM range(12) t(i)`,
  )
  const clicks = `SELECT i % 20 AS user_id, i % 12 AS restaurant_id,
      CASE WHEN i % 9 = 0 THEN NULL ELSE ['rain', 'sun', 'snow'][1 + i % 3] END AS weather,
      CASE WHEN i % 5 = 0 THEN NULL ELSE (i % 6)::INTEGER END AS party,
      CASE WHEN i % 4 = 0 THEN NULL ELSE (i % 11) / 2 END AS floor,
      [['calm'], ['calm', 'o''x'], []][1 + i % 3]::VARCHAR[] AS moods,
      TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS moment, DATE '2026-01-01' + (i % 90)::INTEGER AS day,
      i % 2 = 0 AS vegan, CASE WHEN i % 10 = 0 THEN NULL ELSE [(i % 3)::FLOAT, (i % 5)::FLOAT] END AS scent,
      13.8 + 0.01 * (i % 7) AS shop_latitude, 100.5 AS shop_longitude,
      13.8 + 0.01 * (i % 5) AS latitude, 100.5 AS longitude, (i % 3 = 0)::INTEGER AS click
    FROM range(3000) t(i)`
  await writeParquetFile(data, 'train/a.parquet', clicks)
  await writeParquetFile(data, 'test/a.parquet', `${clicks} WHERE i < 300`)
  const requests = selectRows(REQUESTS.map(([sql], i) => [String(i), ...sql]))
  await writeParquetFile(
    data,
    'requests.parquet',
    `SELECT user_id, ${PLACE.latitude} AS latitude, ${PLACE.longitude} AS longitude,
       [0, 3, 5, 7, 11] AS candidate_restaurant_ids, ${COLUMNS.join(', ')}, 'not for the model' AS note,
       13.8 + 0.01 * user_id AS shop_latitude, CASE WHEN user_id IN (0, 2) THEN 100.5 END AS shop_longitude
     FROM (${requests}) ORDER BY user_id`,
  )
}

describe('the context of requests, from Parquet to the answer', async () => {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const model = join(folder, 'model')
  const plain = join(folder, 'plain')
  const file = join(data, 'requests.parquet')
  const servers: RunningServer[] = []
  const serve = async (options: Partial<ServeOptions> = {}) => {
    const store = `sqlite:${join(folder, `s${servers.length}.db`)}`
    const own = { model, store, fill: { data }, port: 0, workers: 1, logLevel: 'fatal' as const }
    const server = await startServer({ ...own, ...options })
    servers.push(server)
    return `http://127.0.0.1:${server.port}`
  }
  let url = ''
  let plainUrl = '' // of a model without context
  before(async () => {
    await writeData(data)
    const small = { data, hidden: [8], epochs: 3, batchSize: 100, validation: 0, threads: 1, warmupSteps: 5 }
    const cells = {
      'context.shop': { kind: 'cell', latitude: 'shop_latitude', longitude: 'shop_longitude' },
      'context.here': { kind: 'cell' },
    } as const
    await train({ ...small, out: model, contextFeatures: COLUMNS, features: cells })
    await train({ ...small, out: plain })
    url = await serve()
    plainUrl = await serve({ model: plain })
  })
  after(() => Promise.all(servers.map((server) => server.stop())))

  /** What the library makes of a row of the file, whose context stands above. */
  const wanted = async (row: number): Promise<Ranked[]> => {
    const [, context] = REQUESTS[row]
    const limits = { size: 20, maxDistM: 5000, sortByDistance: false }
    const request = {
      candidateRestaurantIds: [0, 3, 5, 7, 11],
      ...PLACE,
      ...limits,
      ...(context !== undefined && { context }),
    }
    const { restaurants } = await recommend({ user: row, request }, { data, model })
    return restaurants as Ranked[]
  }
  const assertSame = (found: readonly Ranked[], expected: readonly Ranked[]) => {
    assert.deepEqual(
      found.map(({ id }) => id),
      expected.map(({ id }) => id),
    )
    for (const [i, { score }] of found.entries()) assert.ok(Math.abs(score - expected[i].score) < 1e-6)
  }
  const ask = async (at: string, user: number, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${at}/recommend/${user}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    const json = (await response.json()) as { restaurants: Ranked[]; detail: string; code: string }
    return { status: response.status, ...json }
  }
  const recommendArgs = (...more: string[]) => ['recommend', '--data', data, '--model', model, ...more]
  const restaurantsOf = ({ code, stdout, stderr }: CliResult): Ranked[] => {
    assert.equal(code, 0, stderr)
    return (JSON.parse(stdout) as { restaurants: Ranked[] }).restaurants
  }

  test('a server tells the names and kinds of its context', async () => {
    const { description } = await loadModelFiles(model)
    const told = description.features?.context?.filter(({ name }) => name !== 'here') // the request's place
    const columns = ['shop_latitude', 'shop_longitude']
    assert.deepEqual(
      await servedContext(`${url}/`),
      told?.map(({ name, kind }) => (name === 'shop' ? { name, kind, columns } : { name, kind })),
    )
    assert.deepEqual(told?.map(({ name }) => name).toSorted(), [...COLUMNS, 'shop'].toSorted())
    const { components } = (await (await fetch(`${url}/openapi.json`)).json()) as {
      components: { schemas: { RequestContext: { properties: object; additionalProperties: boolean } } }
    }
    const { properties, additionalProperties } = components.schemas.RequestContext
    assert.deepEqual(Object.keys(properties).toSorted(), [...COLUMNS, 'shop'].toSorted())
    assert.equal(additionalProperties, false)
    assert.deepEqual(await servedContext(plainUrl), [])
    assert.deepEqual(await servedContext('http://127.0.0.1:1'), [])
  })

  test('columns become what JSON has for them; what is missing is left out, as are columns of other names', async () => {
    const context = await servedContext(url)
    const read = await readRequests(file, { context })
    assert.deepEqual(
      read.map((request) => request.context),
      REQUESTS.map(([, told]) => told),
    )
    for (const request of await readRequests(file)) assert.ok(!('context' in request))
    const absent = [
      { name: 'absent', kind: 'number' },
      { name: 'note', kind: 'category' },
    ] as const
    const [first] = await readRequests(file, { context: absent, limit: 1 })
    assert.deepEqual(first.context, { note: 'not for the model' })
  })

  test('the bytes that are sent hold it, and the scores are those of the library', async () => {
    const prepared = await readPreparedRequests(file, url, { rows: 10 })
    assert.equal(prepared.length, REQUESTS.length)
    for (const [row, bytes] of prepared.entries()) {
      const [, body] = bytes.toString().split('\r\n\r\n')
      const json = JSON.parse(body) as { context?: object }
      assert.deepEqual(json.context, REQUESTS[row][1])
      const { status, restaurants } = await ask(url, row, json)
      assert.equal(status, 200)
      if (json.context) assertSame(restaurants, await wanted(row)) // else the time is now, another each time
    }
    const scores = (row: number) => wanted(row).then((list) => list.map(({ score }) => score))
    assert.notDeepEqual(await scores(0), await scores(1), 'the context matters')
    const silent = await readPreparedRequests(file, plainUrl, { rows: 10 })
    for (const bytes of silent) assert.doesNotMatch(bytes.toString(), /context/)
  })

  test('loadtest: every answer is 200, whether the model has a context or not', async () => {
    const load = ['--requests', file, '--rate', '50', '--duration', '0.6', '--warmup', '0', '--json']
    for (const at of [url, plainUrl]) {
      const { stdout, stderr } = await runCli(['loadtest', '--url', at, ...load])
      const { ok, failed } = JSON.parse(stdout) as { ok: number; failed: number }
      assert.deepEqual([ok, failed], [30, 0], stderr)
    }
  })

  test('recommend takes it from a row of the file, and everything within reach without candidates', async () => {
    const rows = [0, 1, 2]
    const place = ['--latitude', '13.8', '--longitude', '100.5', '--json']
    const [everywhere, nowhere, ...lists] = await runCliLines([
      recommendArgs('--user', '3', ...place),
      recommendArgs('--user', '3'),
      ...rows.map((row) => recommendArgs('--request', file, '--request-row', `${row}`, '--json')),
    ])
    for (const row of rows) assertSame(restaurantsOf(lists[row]), await wanted(row))
    const ids = restaurantsOf(everywhere).map(({ id }) => id)
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      Array.from({ length: 12 }, (_, id) => id),
    )
    assert.equal(nowhere.code, 2)
    assert.match(
      nowhere.stderr,
      /the place of the user \(--latitude DEGREES .* or --request FILE\) is missing/,
    )
  })

  test('columns that cannot be used are refused by file, column and row', async () => {
    const context = await servedContext(url)
    const own = `1 AS user_id, 13.8 AS latitude, 100.5 AS longitude, [1] AS candidate_restaurant_ids`
    for (const [column, message] of [
      [
        '[1] AS weather',
        /bad\.parquet: column weather must hold values for a feature of the kind category, found INTEGER\[\]/,
      ],
      [`'two' AS party`, /column party must hold values for a feature of the kind number, found VARCHAR/],
      [`'inf'::DOUBLE AS floor`, /bad\.parquet: feature floor must be finite, found Infinity, in row 0/],
      [`[1, 'nan'::FLOAT] AS scent`, /feature scent must be a list of numbers, .*found NaN in it, in row 0/],
    ] as const) {
      await writeParquetFile(folder, 'bad.parquet', `SELECT ${own}, ${column}`)
      await assert.rejects(
        readRequests(join(folder, 'bad.parquet'), { context }),
        isError('INPUT', message),
        column,
      )
    }
  })

  test('a name that the model does not know is refused, or ignored if that is wanted', async () => {
    const [, context] = REQUESTS[0]
    const body = { ...PLACE, candidate_restaurant_ids: [0, 3, 5, 7, 11] }
    const odd = { ...body, context: { ...context, wether: { any: 'thing' } } }
    const refusal =
      /Cannot use the request: its context may tell weather, party, .*, shop, found "wether"; leave it out, or allow it with --unknown-context ignore/
    const refused = await ask(url, 0, odd)
    assert.deepEqual([refused.status, refused.code], [400, 'BAD_BODY'])
    assert.match(refused.detail, refusal)
    const lenient = await serve({ unknownContext: 'ignore' })
    assertSame((await ask(lenient, 0, odd)).restaurants, await wanted(0))
    const wrong = await ask(lenient, 0, { ...body, context: { party: 'two' } })
    assert.match(wrong.detail, /in its context, feature party must be a finite number/)
    const without = await ask(await serve({ model: plain, unknownContext: 'ignore' }), 0, odd)
    assert.equal(without.status, 200)
    const nothing = await ask(plainUrl, 0, odd)
    assert.match(nothing.detail, /its context may tell nothing, since the model takes none, found "weather"/)

    const request = join(folder, 'odd.json')
    await writeFile(request, JSON.stringify({ user_id: 0, ...odd }))
    const args = recommendArgs('--request', request, '--json')
    const [strict, ignoring] = await runCliLines([args, [...args, '--unknown-context', 'ignore']])
    assert.equal(strict.code, 1)
    assert.match(strict.stderr, refusal)
    assertSame(restaurantsOf(ignoring), await wanted(0))
  })

  test('the typed client tells it', async () => {
    const client = new NearrankClient({ url })
    const [, context] = REQUESTS[0]
    const query = { ...PLACE, candidateRestaurantIds: [0, 3, 5, 7, 11], maxDistM: 5000 }
    const { restaurants } = await client.recommend(0, { ...query, context: context as FeatureValues })
    assertSame(restaurants as unknown as Ranked[], await wanted(0))
    const infinite = client.recommend(0, { ...query, context: { party: Number.POSITIVE_INFINITY } })
    await assert.rejects(infinite, /feature party must be finite, found Infinity/)
  })
})
