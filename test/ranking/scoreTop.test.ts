import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { generate } from '../../src/dataset/generator/generate.ts'
import { readRequests } from '../../src/dataset/requests.ts'
import { recommend, scoreTop, type ScoreTopOptions, train } from '../../src/index.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { query, SMALL_REALISTIC } from '../dataset/realisticFixture.ts'
import { saveOverflowingModel } from '../model/modelFixtures.ts'
import { smallData, temporaryFolder } from '../training/dataFixture.ts'

const SETTINGS = { epochs: 1, hidden: [12, 6], checkpointSeconds: 0, threads: 1 }
const folder = await temporaryFolder()
const { data: plain } = await smallData()

interface Line {
  rank: number
  id: unknown
  score: number
  distanceM: number | null
}

/** The lists of a file, by the order in which they stand there. */
async function listsOf(path: string): Promise<{ user: unknown; lines: Line[] }[]> {
  const lists: { user: unknown; lines: Line[] }[] = []
  for (const [user, rank, id, score, distanceM] of await query(
    `SELECT user_id, rank, restaurant_id, score, distance_m FROM '${path}'`,
  )) {
    if (rank === 1) lists.push({ user, lines: [] })
    const list = lists.at(-1)
    assert.equal(list?.user, user)
    list?.lines.push({ rank, id, score, distanceM } as Line)
  }
  return lists
}

/** The same as `recommend` ranks it. */
function assertSame(
  lines: Line[],
  restaurants: { id: unknown; score: number; displacement: number }[],
): void {
  assert.equal(lines.length, restaurants.length)
  for (const [i, { id, score, displacement }] of restaurants.entries()) {
    const line = lines[i]
    assert.deepEqual([line.rank, String(line.id)], [i + 1, String(id)])
    assert.ok(Math.abs(line.score - score) < 1e-7, `${line.score}, not ${score}`)
    if (line.distanceM !== null) assert.ok(Math.abs(line.distanceM - displacement) < 1e-3)
  }
}

describe('scoreTop, realistic data', () => {
  const [data, model, out] = ['data', 'model', 'lists'].map((name) => join(folder, name))
  before(async () => {
    await generate({ out: data, ...SMALL_REALISTIC })
    const contextFeatures = ['time', 'device', 'companion']
    const more = { batchSize: 64, learningRate: 0.03, ids: 'both', contextFeatures } as const
    await train({ data, out: model, ...SETTINGS, ...more })
  })

  test('lists are those of recommend, with the context and the place of each row', async () => {
    const files = 'requests.parquet'
    const report = await scoreTop({ data, model, out, files, top: 7, near: true, maxDistM: 2000, threads: 2 })
    assert.deepEqual([report.files, report.dropped], [1, 0])
    const lists = await listsOf(join(out, files))
    const { description } = await loadModelFiles(model)
    const requests = await readRequests(join(data, files), { context: description.features?.context ?? [] })
    let lines = 0
    for (const { userId: user, latitude, longitude, context } of requests) {
      const request = {
        candidateRestaurantIds: null,
        latitude,
        longitude,
        size: 7,
        maxDistM: 2000,
        sortByDistance: false,
        ...(context && { context }),
      }
      const { restaurants } = await recommend({ user, request }, { data, model })
      lines += restaurants.length
      if (restaurants.length === 0) continue
      const list = lists.shift()
      assert.equal(list?.user, user)
      assertSame(list.lines, restaurants)
    }
    assert.equal(lists.length, 0)
    assert.equal(report.rows, lines)
    assert.ok(lines > 100, `${lines} lines`)
    const [[unknown]] = await query(`SELECT count(*) FROM '${join(out, files)}' WHERE distance_m IS NULL`)
    assert.equal(unknown, 0n)
    const types = await query(`DESCRIBE SELECT * FROM '${join(out, files)}'`)
    assert.deepEqual(
      types.map(([name, type]) => [name, type]),
      [
        ['user_id', 'VARCHAR'],
        ['rank', 'INTEGER'],
        ['restaurant_id', 'BIGINT'],
        ['score', 'FLOAT'],
        ['distance_m', 'FLOAT'],
      ],
    )
  })

  test('by default every user of the table, by place columns of any name', async () => {
    const home = { near: true, placeColumns: ['home_latitude', 'home_longitude'], top: 3 }
    const report = await scoreTop({ data, model, out: join(folder, 'homes'), ...home })
    const lists = await listsOf(join(folder, 'homes/user_features.parquet'))
    const users = await query(`SELECT user_id FROM '${data}/user_features.parquet'`)
    assert.equal(report.dropped, 0)
    const order = new Map(users.map(([user], i) => [user, i]))
    const found = lists.map(({ user }) => order.get(user)!)
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    )
    assert.ok(new Set(found).size === found.length && found.length > 2000)
  })
})

describe('scoreTop, plain numbers', () => {
  const data = plain
  const at = (name: string) => join(folder, 'plain', name)
  const model = at('model')
  const run = (out: string, options: Partial<ScoreTopOptions> = {}) =>
    scoreTop({ data, model, out: at(out), top: 5, threads: 1, ...options })
  before(() => train({ data, out: model, ...SETTINGS }))

  test('wherever they are, all restaurants count for each user, in the same bytes for any threads', async () => {
    const report = await run('all')
    assert.deepEqual([report.rows, report.skipped], [400 * 5, 0])
    await run('by-3', { threads: 3 })
    const file = 'user_features.parquet'
    assert.deepEqual(await readFile(at(`by-3/${file}`)), await readFile(at(`all/${file}`)))
    const lists = await listsOf(at(`all/${file}`))
    assert.equal(lists.length, 400)
    for (const { user, lines } of lists.slice(0, 20)) {
      const where = { latitude: 13.7, longitude: 100.5, maxDistM: 1e8 }
      const request = { candidateRestaurantIds: null, ...where, size: 5, sortByDistance: false }
      const { restaurants } = await recommend({ user: Number(user), request }, { data, model })
      assert.deepEqual(
        lines.map(({ distanceM }) => distanceM),
        lines.map(() => null),
      )
      assertSame(lines, restaurants)
    }
    assert.equal((await run('all')).skipped, 1)
    await assert.rejects(
      run('all', { top: 6 }),
      isError('INPUT', /holds scores made with other options \(top 5, .*, not top 6, /),
    )
  })

  test('rows without a user or a place; nobody within reach; no rows', async () => {
    const rows = (place: string, user = 'i') =>
      `SELECT ${user} AS user_id, ${place} AS latitude, 100.5 AS longitude FROM range(6) t(i)`
    await writeParquetFile(data, 'where/fine.parquet', rows('13.7'))
    await writeParquetFile(data, 'where/far.parquet', rows('-80'))
    await writeParquetFile(data, 'where/none.parquet', `${rows('13.7')} LIMIT 0`)
    const report = await run('where', { files: 'where/*.parquet', near: true, maxDistM: 30_000 })
    assert.deepEqual([report.files, report.rows, report.dropped], [3, 30, 0])
    assert.deepEqual(await query(`SELECT count(*) FROM '${at('where/far.parquet')}'`), [[0n]])

    const bad: [sql: string, message: RegExp][] = [
      [
        rows('13.7', 'if(i = 2, NULL, i)'),
        /user_id null in row 2 is none of the 400 users with features; leave/,
      ],
      [rows('13.7', 'if(i = 3, 99999, i)'), /user_id 99999 in row 3 is none of the 400 users/],
      [
        rows('if(i = 4, NULL, 13.7)'),
        /latitude and longitude must be a place in degrees, row 4 holds null, 100\.5/,
      ],
      [rows('if(i = 5, 91, 13.7)'), /row 5 holds 91(\.0)?, 100\.5/],
    ]
    for (const [i, [sql, message]] of bad.entries()) {
      await writeParquetFile(data, `bad/${i}.parquet`, sql)
      const options = { files: `bad/${i}.parquet`, near: true, maxDistM: 30_000 }
      await assert.rejects(run('bad', options), isError('INPUT', message))
      const notes: string[] = []
      const onProgress: ScoreTopOptions['onProgress'] = (event) =>
        event.type === 'note' && notes.push(event.message)
      const { rows: lines, dropped } = await run(`dropped-${i}`, {
        ...options,
        onMissing: 'drop',
        onProgress,
      })
      assert.deepEqual([lines, dropped], [25, 1])
      assert.match(notes[0], /1 without features of the user or without a place/)
    }
  })

  test('what cannot be used is refused', async () => {
    const usage: [Partial<ScoreTopOptions>, RegExp][] = [
      [{ maxDistM: 100 }, /Cannot use maxDistM or placeColumns .* without near/],
      [{ near: true, placeColumns: ['a'] }, /the names of two columns/],
      [{ top: 0 }, /top must be an integer from 1 to 10000/],
      [{ copyColumns: ['a'] } as Partial<ScoreTopOptions>, /unknown key "copyColumns"/],
    ]
    for (const [options, message] of usage)
      await assert.rejects(run('no', options), isError('USAGE', message))
    await writeParquetFile(data, 'odd/text.parquet', `SELECT 'u' AS user_id, 1 AS latitude, 'x' AS longitude`)
    await writeParquetFile(data, 'odd/place.parquet', `SELECT 1 AS user_id, 1 AS latitude, 'x' AS longitude`)
    const input: [Partial<ScoreTopOptions>, RegExp][] = [
      [{ near: true }, /user_features\.parquet: it has no column latitude/],
      [{ files: 'nothing/*' }, /Cannot find any users to rank for: no file in .* matches nothing/],
      [
        { files: 'odd/text.parquet' },
        /column user_id must hold integers as the feature table does, found strings/,
      ],
      [{ files: 'odd/place.parquet', near: true }, /column longitude must hold numbers, found VARCHAR/],
    ]
    for (const [options, message] of input)
      await assert.rejects(run('no', options), isError('INPUT', message))

    await saveOverflowingModel(at('huge'), model)
    await assert.rejects(
      run('huge-lists', { model: at('huge') }),
      isError('NOT_FINITE', /that of user \S+ and restaurant \S+ is not/),
    )
    const controller = new AbortController()
    await assert.rejects(
      run('stopped', {
        signal: controller.signal,
        onProgress: ({ type }) => type === 'score' && controller.abort(),
      }),
      isError('ABORTED', /./),
    )
    for (const out of ['huge-lists', 'stopped'])
      assert.deepEqual(await readdir(at(out)), ['scores.json'], 'nothing is left of the file')
  })
})
