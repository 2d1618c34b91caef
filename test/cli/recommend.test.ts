import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { distanceM } from '../../src/geo/greatCircle.ts'
import { saveModel } from '../../src/model/modelDirectory.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import { modelContent, randomWeights, SMALL_NETWORK } from '../model/modelFixtures.ts'
import { runCli, runCliLines } from './runCli.ts'

// Restaurant i lies 0.01 × i degrees north of the user, so that the order by distance is that of i.
const RESTAURANTS = 12
const WHERE = ['--latitude', '10', '--longitude', '20']
const network = SMALL_NETWORK
const weights = randomWeights(network, 7)
const userVector = (i: number) => [i / 4, -i / 8, 1]
const restaurantVector = (i: number) => [Math.sin(i), i / 16]

interface Answer {
  restaurants: { id: number | string; score: number; displacement: number }[]
}

/** Feature tables with the given SQL for the id of row i. */
async function writeTables(directory: string, idOf: string): Promise<void> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  await connection.run(
    `COPY (SELECT ${idOf} AS user_id, i/4 AS f0, -i/8 AS f1, 1.0 AS f2 FROM range(5) t(i) ORDER BY i)
     TO '${join(directory, 'user_features.parquet')}' (FORMAT parquet)`,
  )
  await connection.run(
    `COPY (SELECT ${idOf} AS restaurant_id, 10 + 0.01 * i AS latitude, 20.0 AS longitude, sin(i) AS f0, i/16 AS f1
           FROM range(${RESTAURANTS}) t(i) ORDER BY i)
     TO '${join(directory, 'restaurant_features.parquet')}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
}

/** What must come out, by the naive network and haversine. */
function expected(user: number, candidates: number[]) {
  return candidates.map((i) => {
    const [logit] = naiveLogits(
      network,
      weights,
      Float32Array.from([...userVector(user), ...restaurantVector(i)]),
    )
    return { i, score: 1 / (1 + Math.exp(-logit)), displacement: distanceM(10, 20, 10 + 0.01 * i, 20) }
  })
}

describe('nearrank recommend', () => {
  let directory = ''
  const kinds = { integers: 'i * 7', strings: "'r-' || i", 'large integers': '9007199254740993 + i' }
  const idOf = {
    integers: (i: number) => `${i * 7}`,
    strings: (i: number) => `r-${i}`,
    'large integers': (i: number) => String(9007199254740993n + BigInt(i)),
  }
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nearrank-recommend-'))
    for (const [kind, sql] of Object.entries(kinds)) {
      const data = join(directory, kind)
      await mkdir(data)
      await writeTables(data, sql)
    }
    await saveModel(join(directory, 'model'), {
      description: modelContent(network, 7),
      weights,
      report: '# Report\n',
    })
  })
  after(() => rm(directory, { recursive: true, force: true }))
  const place = (kind: string) => ['--data', join(directory, kind), '--model', join(directory, 'model')]

  for (const kind of ['integers', 'strings', 'large integers'] as const)
    test(`ranks by score as the naive network does, ids are ${kind}`, async () => {
      const candidates = [0, 1, 2, 3, 4, 9, 11]
      const ids = candidates.map(idOf[kind]).join(',')
      const { code, stdout, stderr } = await runCli(
        ['recommend', ...place(kind), '--user', idOf[kind](3), '--candidates', ids, ...WHERE].concat(
          '--max-dist',
          '12000',
          '--json',
        ),
      )
      assert.equal(code, 0, stderr)
      const wanted = expected(3, candidates)
        .filter(({ displacement }) => displacement <= 12_000)
        .toSorted((a, b) => b.score - a.score)
      assert.equal(wanted.length, 6)
      assert.ok(
        wanted.some(({ i }, k) => k > 0 && i < wanted[k - 1].i),
        'the order is not that of the ids',
      )
      // JSON.parse rounds ids beyond 2^53: they are compared as text.
      const found = [...stdout.matchAll(/"id":"?([^",]+)"?/g)].map(([, id]) => id)
      assert.deepEqual(
        found,
        wanted.map(({ i }) => idOf[kind](i)),
      )
      const { restaurants } = JSON.parse(stdout) as Answer
      for (const [k, { score, displacement }] of restaurants.entries()) {
        assert.ok(Math.abs(score - wanted[k].score) < 1e-6)
        assert.ok(Math.abs(displacement - wanted[k].displacement) < 1e-3)
      }
    })

  test('flags win over the request file, and --sort-dist is nearest first', async () => {
    const file = join(directory, 'request.json')
    await writeFile(
      file,
      JSON.stringify({ user_id: 0, candidate_restaurant_ids: [7], latitude: 10, longitude: 20, size: 1 }),
    )
    const flags = ['--user', 'u00014', '--candidates', 'all', '--size', '3', '--sort-dist', '--json']
    const { stdout } = await runCli(['recommend', ...place('integers'), '--request', file, ...flags])
    const wanted = expected(2, [0, 1, 2])
    const { restaurants } = JSON.parse(stdout) as Answer
    assert.deepEqual(
      restaurants.map(({ id }) => id),
      [0, 7, 14],
    )
    for (const [k, { score }] of restaurants.entries()) assert.ok(Math.abs(score - wanted[k].score) < 1e-6)
  })

  test('null in the request file stands for what is not given', async () => {
    const [nothing, none, user] = ['nothing', 'none', 'user'].map((name) => join(directory, `${name}.json`))
    const where = { user_id: 7, latitude: 10, longitude: 20 }
    const absent = { candidate_restaurant_ids: null, size: null, max_dist: null, sort_dist: null }
    await writeFile(nothing, JSON.stringify(where))
    await writeFile(none, JSON.stringify({ ...where, ...absent, context: null, explain: null }))
    await writeFile(user, JSON.stringify({ ...where, user_id: null }))
    const args = ['recommend', ...place('integers'), '--json', '--request']
    const lines = [nothing, none, user].map((file) => args.concat(file))
    const [left, right, nobody] = await runCliLines(lines)
    assert.equal(right.code, 0, right.stderr)
    assert.equal(right.stdout, left.stdout)
    assert.match(nobody.stderr, /^nearrank: Cannot recommend: --user ID is missing/)
  })

  test('prints a table, and says so when nothing is near', async () => {
    const args = ['recommend', ...place('integers'), '--user', '7', '--candidates', '7,14', ...WHERE]
    const [table, nothing] = await runCliLines([args, [...args, '--max-dist', '10']])
    assert.match(table.stdout, /restaurant +score +distance/)
    assert.match(table.stdout, /14 +0\.\d{4} +2,224 m/)
    assert.equal(nothing.code, 0)
    assert.match(nothing.stdout, /No restaurant is within 10 m/)
  })

  test('candidates without features are left out, with a note', async () => {
    const args = [
      'recommend',
      ...place('integers'),
      '--user',
      '7',
      '--candidates',
      '7,8,x',
      ...WHERE,
      '--json',
    ]
    const { stdout, stderr } = await runCli(args)
    assert.equal((JSON.parse(stdout) as Answer).restaurants.length, 1)
    assert.match(stderr, /2 unknown candidates are left out: 8, x/)
  })

  test('an unknown user, data that does not fit the model, a damaged model: exit code 1', async () => {
    const request = ['--candidates', '7', ...WHERE]
    const cases: [args: string[], message: RegExp][] = [
      [[...place('integers'), '--user', '8'], /user 8 has no features, the table has 5 users/],
      [[...place('integers'), '--user', 'anna'], /must be an integer/],
      [
        [...place('integers'), '--user', '7', '--user-features', 'f0,f1'],
        /it must have 3 features of users, found 2 \(f0, f1\)/,
      ],
      [[...place('integers').slice(0, 3), join(directory, 'strings'), '--user', '7'], /model/],
      [[...place('nowhere'), '--user', '7'], /nowhere/],
    ]
    const results = await runCliLines(cases.map(([args]) => ['recommend', ...args, ...request]))
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      assert.match(stderr, cases[i][1])
      assert.match(stderr, /^nearrank: /)
      assert.equal(code, 1)
      assert.equal(stdout, '')
    }
  })
})
