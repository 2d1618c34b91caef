import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { NearrankError } from '../../src/errors.ts'
import type { OpenStoreOptions } from '../../src/store/featureStore.ts'
import type { ModelDescription } from '../../src/model/modelFile.ts'
import { fillStore, type FillProgress } from '../../src/live/fillStore.ts'
import { openFilledStore } from '../../src/live/openFilledStore.ts'
import { openStore } from '../../src/store/openStore.ts'
import { modelContent, SMALL_NETWORK } from '../model/modelFixtures.ts'
import { put } from '../store/changes.ts'
import { applyChanges, noRows, type Rows, startCopy } from '../store/storeCopy.ts'
import { type CliResult, runCli, runCliLines } from './runCli.ts'

const USERS = 17_000 // more than one transaction
const RESTAURANTS = 12

const NETWORK = { ...SMALL_NETWORK, userFeatures: 3, restaurantFeatures: 2 }
const SEAL = { sha256: 'a'.repeat(64), bytes: 1 }
/** Of a model of the tables' columns. */
const DESCRIPTION: ModelDescription = {
  formatVersion: 1,
  ...modelContent(NETWORK, 1),
  weights: { file: 'weights.safetensors', ...SEAL },
  onnx: { file: 'model.onnx', ...SEAL },
}

/** Where each id goes: 7919 has no factor in common with the number of users, so that all differ and none is where it was. */
const SHUFFLED = `(i * 7919) % ${USERS}`
const shuffled = (i: number) => (i * 7919) % USERS

interface Kind {
  sql: (number: string) => string
  id: (i: number) => number | bigint | string
  ids: 'integer' | 'string'
}

const KINDS: Record<string, Kind> = {
  integers: { sql: (number) => `${number} - 7`, id: (i) => i - 7, ids: 'integer' },
  'large integers': {
    sql: (number) => `9007199254740990 + ${number}`,
    id: (i) => (i < 2 ? 9007199254740990 + i : 9007199254740990n + BigInt(i)),
    ids: 'integer',
  },
  strings: { sql: (number) => `'é/' || (${number})`, id: (i) => `é/${i}`, ids: 'string' },
}

async function writeTables(folder: string, sqlOfId: (number: string) => string): Promise<void> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  await connection.run(
    `COPY (SELECT ${sqlOfId(SHUFFLED)} AS user_id, i / 4 AS f0, -(i / 8) AS f1, 1.1 AS f2 FROM range(${USERS}) t(i) ORDER BY i)
     TO '${join(folder, 'user_features.parquet')}' (FORMAT parquet)`,
  )
  await connection.run(
    `COPY (SELECT ${sqlOfId('i')} AS restaurant_id, 10 + 0.01 * i AS latitude, -20.0 AS longitude, sin(i) AS f0, i / 16 AS f1
           FROM range(${RESTAURANTS}) t(i) ORDER BY i DESC)
     TO '${join(folder, 'restaurant_features.parquet')}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
}

function expectedRows(id: Kind['id']): Rows {
  const rows = noRows()
  for (let i = 0; i < USERS; i++) applyChanges(rows, [put('users', id(shuffled(i)), [i / 4, -(i / 8), 1.1])])
  for (let i = 0; i < RESTAURANTS; i++)
    applyChanges(rows, [put('restaurants', id(i), [Math.sin(i), i / 16], 10 + 0.01 * i, -20)])
  return rows
}

function layout(ids: 'integer' | 'string', users = 3): OpenStoreOptions {
  return { layout: { users: { features: users, ids }, restaurants: { features: 2, ids } } }
}

describe('nearrank load', () => {
  for (const [name, { sql, id, ids }] of Object.entries(KINDS))
    describe(name, () => {
      let folder = ''
      let address = ''
      const rows = expectedRows(id)
      before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'nearrank-load-'))
        address = `sqlite:${join(folder, 'stores', 's.db')}`
        await writeTables(folder, sql)
      })
      after(() => rm(folder, { recursive: true, force: true }))

      test('fills a new store, row for row', async () => {
        const { code, stdout, stderr } = await runCli([
          'load',
          '--data',
          folder,
          '--store',
          address,
          '--json',
        ])
        assert.equal(code, 0, stderr)
        const result = JSON.parse(stdout)
        assert.deepEqual(Object.keys(result), ['users', 'restaurants', 'seconds'])
        assert.equal(result.users, USERS)
        assert.equal(result.restaurants, RESTAURANTS)
        assert.ok(result.seconds > 0)
        assert.deepEqual(await rowsOf(address, ids), rows)
      })

      test('replaces what is there and keeps what the data does not have', async () => {
        const own = ids === 'integer' ? -1_000_000 : 'own'
        const changes = [
          put('users', own, [1, 2, 3]),
          put('users', id(5), [9, 9, 9]),
          put('restaurants', own, [1, 2], 3, 4),
        ]
        const opened = await openStore(address, layout(ids))
        await opened.write(changes)
        await opened.close()
        const { code, stdout, stderr } = await runCli(['load', '--data', folder, '--store', address])
        assert.equal(code, 0, stderr)
        assert.match(stdout, /users +17,000\nrestaurants +12\ntime .* s\nspeed .*rows\/s\n$/)
        const expected = { users: new Map(rows.users), restaurants: new Map(rows.restaurants) }
        applyChanges(expected, [changes[0], changes[2]])
        assert.deepEqual(await rowsOf(address, ids), expected)
      })

      test('stopped half way: what is written stays, and another run does the rest', async () => {
        const path = `sqlite:${join(folder, 'stopped.db')}`
        const store = await openStore(path, layout(ids))
        const controller = new AbortController()
        const shown: FillProgress[] = []
        const onProgress = (progress: FillProgress) => {
          shown.push(progress)
          if (progress.stage === 'write') controller.abort()
        }
        await assert.rejects(
          fillStore({ data: folder, store, signal: controller.signal, onProgress }),
          (error) => error instanceof NearrankError && error.code === 'ABORTED',
        )
        const { users, restaurants } = await store.count()
        assert.ok(users > 0 && users < USERS && restaurants === 0)
        assert.deepEqual(shown.at(-1), { stage: 'write', side: 'users', rowsDone: users, rowsTotal: USERS })
        assert.equal(await store.isFilling(), true)
        assert.deepEqual(await fillStore({ data: folder, store }), { users: USERS, restaurants: RESTAURANTS })
        assert.equal(await store.isFilling(), false)
        await store.close()
        assert.deepEqual(await rowsOf(path, ids), rows)
      })

      for (const side of ['users', 'restaurants'] as const)
        test(`killed among the ${side}: a server refuses the rest, and the next fill completes it`, async () => {
          const killed = join(folder, `killed-${side}`)
          const byLoad = `sqlite:${join(killed, 's.db')}`
          const byServe = `sqlite:${join(`${killed}-copy`, 's.db')}`
          await killWhileFilling([folder, byLoad, side])
          await cp(killed, `${killed}-copy`, { recursive: true })
          for (const path of [byLoad, byServe]) {
            await assert.rejects(
              openFilledStore({ store: path }, DESCRIPTION),
              /is only partly filled; run nearrank load again, or start with --data/,
            )
          }
          const { code, stderr } = await runCli(['load', '--data', folder, '--store', byLoad])
          assert.equal(code, 0, stderr)
          const fill = { data: folder }
          const filled = await openFilledStore({ store: byServe, fill }, DESCRIPTION)
          assert.deepEqual(filled.rows, { users: USERS, restaurants: RESTAURANTS })
          await filled.store.close()
          for (const path of [byLoad, byServe]) {
            assert.deepEqual(await rowsOf(path, ids), rows)
            const { store } = await openFilledStore({ store: path }, DESCRIPTION)
            await store.close()
          }
        })

      test('a model of other columns, or of the same in another order, does not get the store', async () => {
        const columns = { ...DESCRIPTION.columns, userFeatures: ['f1', 'f0', 'f2'] }
        await assert.rejects(
          openFilledStore({ store: address }, { ...DESCRIPTION, columns }),
          /its features of users must be f1, f0, f2, found f0, f1, f2/,
        )
        const store = await openStore(address, layout(ids))
        await assert.rejects(
          fillStore({ data: folder, store, userFeatures: ['f2', 'f1', 'f0'] }),
          /its features of users must be f0, f1, f2, found f2, f1, f0/,
        )
        assert.equal(await store.isFilling(), false)
        await store.close()
      })

      test('a store of another layout is not filled', async () => {
        const otherIds = ids === 'integer' ? 'string' : 'integer'
        for (const [file, options, message] of [
          ['wider.db', layout(ids, 4), /it must have 4 features of users, found 3 \(f0, f1, f2\)/],
          [
            'other-ids.db',
            layout(otherIds),
            new RegExp(`its ids of users must be of the kind ${otherIds}, found ${ids}`),
          ],
        ] as const) {
          const store = await openStore(`sqlite:${join(folder, file)}`, options)
          await assert.rejects(fillStore({ data: folder, store }), message)
          assert.deepEqual(await store.count(), { users: 0, restaurants: 0 })
          await store.close()
        }
      })

      test('a store that is in use, or of another layout, is refused', async () => {
        const args = ['load', '--data', folder, '--store']
        const other = `sqlite:${join(folder, 'other.db')}`
        await (await openStore(other, layout(ids, 4))).close()
        const inUse = await openStore(address, layout(ids))
        const [refused, unfit] = await runCliLines([
          [...args, address],
          [...args, other],
        ])
        await inUse.close()
        assert.equal(refused.code, 1)
        assert.match(refused.stderr, /another process uses it.*POST \/features/)
        assert.equal(unfit.code, 1)
        assert.match(unfit.stderr, /it must have 3 features of users \(f0, f1, f2\), found 4/)
      })
    })

  const wrong: [args: string[], message: RegExp][] = [
    [['--data', 'd'], /--store ADDRESS is missing/],
    [['--store', 'sqlite:s.db'], /--data DIR is missing/],
    [['--data', 'd', '--store', 's.db', '--click-column', 'c'], /unknown option '--click-column'/],
  ]
  let results: CliResult[] = []
  before(async () => {
    const lines = [['--help'], ...wrong.map(([args]) => args)]
    results = await runCliLines(lines.map((args) => ['load'].concat(args)))
  })
  for (const [i, [args, message]] of wrong.entries())
    test(`load ${args.join(' ')} is wrong usage`, () => {
      const { code, stdout, stderr } = results[i + 1]
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.match(stderr, message)
    })

  test('the help fits a page and ends with an example', () => {
    const [{ code, stdout }] = results
    assert.equal(code, 0)
    const lines = stdout.trimEnd().split('\n')
    assert.ok(lines.length <= 50)
    for (const line of lines) assert.ok(line.length <= 100, line)
    assert.match(stdout.split('\nExample:\n')[1], /^ {2}nearrank load /)
  })
})

async function killWhileFilling(args: string[]): Promise<void> {
  const script = new URL('../store/fillUntilKilled.ts', import.meta.url)
  const child = spawn(process.execPath, [fileURLToPath(script), ...args], { stdio: 'inherit' })
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
}

async function rowsOf(url: string, ids: 'integer' | 'string'): Promise<Rows> {
  const store = await openStore(url, layout(ids))
  const copy = await startCopy(store)
  await store.close()
  assert.deepEqual(copy.problems, [])
  return copy.rows
}
