import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { copyFile, link, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { NearrankError } from '../../src/errors.ts'
import { loadBackup } from '../../src/live/loadBackup.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { ServeProcess } from '../server/serveProcess.ts'
import { makeWorld, openConnections, putRow } from '../server/serverFixture.ts'
import { put } from '../store/changes.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { runCli, runCliLines } from './runCli.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const MANY = 100_000 // users; a backup takes several steps
const WRITTEN = 40 // rows that are written in turn, from row 0 on
const LAYOUT = { layout: { users: { features: 30 }, restaurants: { features: 10 } } }

const folder = await temporaryFolder()
const path = join(folder, 'features.db')
const store = await openSqliteStore(path, LAYOUT)
const zeros = Array.from({ length: 30 }, () => 0)
for (let first = 0; first < MANY; first += 10_000)
  await store.write(Array.from({ length: 10_000 }, (_, i) => put('users', first + i, zeros)))
await store.write([put('restaurants', 1, zeros.slice(20), 13.8, 100.5)])
await store.close()

function backup(
  out: string,
  ...flags: string[]
): Promise<{ code: number | null; stderr: string; stdout: string }> {
  return runCli(['backup', '--store', `sqlite:${path}`, '--out', out, '--json', ...flags])
}

/** The first feature of each of the rows that are written. */
function valuesIn(file: string): number[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database.prepare(`SELECT features FROM users WHERE id < ${WRITTEN} ORDER BY id`).all()
  database.close()
  return rows.map(({ features }) => Buffer.from(features as Uint8Array).readFloatLE())
}

/** What these rows hold after so many writes, the k-th of which puts k into row k modulo their number. */
function valuesAfter(writes: number): number[] {
  return Array.from({ length: WRITTEN }, (_, row) => {
    const last = writes - ((((writes - row) % WRITTEN) + WRITTEN) % WRITTEN)
    return Math.max(last, 0)
  })
}

/** A backup that is under way: its temporary folder is there. */
async function startBackup(out: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, 'backup', '--store', `sqlite:${path}`, '--out', out], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  while (!(await temporaries(out)).some((name) => name.includes(`-${child.pid}-`))) {
    assert.equal(child.exitCode, null, 'it is not done yet')
    await delay(1)
  }
  return child
}

async function temporaries(out: string): Promise<string[]> {
  return (await readdir(dirname(out))).filter((name) => name.startsWith('.'))
}

describe('backup', () => {
  test('while a server writes all the time: one state of between, which load takes in and serve can use', async () => {
    const world = await makeWorld()
    const server = await ServeProcess.start([
      '--model',
      world.model,
      '--store',
      `sqlite:${path}`,
      '--workers',
      '1',
    ])
    const [connection] = await openConnections(server.port, 1)
    let writes = 0
    const over = new AbortController()
    const writing = (async () => {
      while (!over.signal.aborted) {
        const next = writes + 1
        const features = Array.from({ length: 30 }, () => next)
        await putRow(connection, `/users/${next % WRITTEN}`, { features })
        writes = next
      }
    })()
    const reader = new DatabaseSync(path, { readOnly: true })
    for (let round = 0; round < 2; round++) {
      const first = writes
      const out = join(folder, `during-${round}.db`)
      const { code, stdout, stderr } = await backup(out)
      const last = writes + 1 // may be in the file and not yet answered
      assert.equal(code, 0, stderr)
      const result = JSON.parse(stdout) as Record<string, number>
      assert.deepEqual([result.users, result.restaurants], [MANY, 1])
      assert.equal(result.bytes, (await stat(out)).size)
      const values = valuesIn(out)
      const state = Math.max(...values)
      assert.ok(first <= state && state <= last && last > first + 1, `${first} <= ${state} <= ${last}`)
      assert.deepEqual(values, valuesAfter(state))
      assert.ok(Number(reader.prepare('SELECT count(*) AS count FROM users').get()?.count) === MANY)
    }
    reader.close()
    over.abort()
    await writing
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
    assert.deepEqual(valuesIn(path), valuesAfter(writes))

    const out = join(folder, 'during-1.db')
    const restored = join(folder, 'restored.db')
    const [loaded] = await runCliLines([['load', '--from', out, '--store', `sqlite:${restored}`, '--json']])
    assert.equal(loaded.code, 0, loaded.stderr)
    assert.equal((JSON.parse(loaded.stdout) as { users: number }).users, MANY)
    const rows = (file: string) => {
      const database = new DatabaseSync(file, { readOnly: true })
      const all = ['users', 'restaurants', 'layout'].map((table) =>
        database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all(),
      )
      database.close()
      return all
    }
    assert.deepEqual(rows(restored), rows(out))
    for (const file of [out, restored]) {
      const again = await ServeProcess.start([
        '--model',
        world.model,
        '--store',
        `sqlite:${file}`,
        '--workers',
        '1',
      ])
      again.signal('SIGTERM')
      assert.equal(await again.ended(), 0)
    }
  })

  test('killed or stopped, it leaves nothing under the name, and the next one clears up', async () => {
    const out = join(await temporaryFolder(), 'backup.db')
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      const child = await startBackup(out)
      child.kill(signal)
      const [code] = (await once(child, 'exit')) as [number | null]
      await assert.rejects(stat(out), { code: 'ENOENT' })
      if (signal === 'SIGINT') {
        assert.equal(code, 130)
        assert.deepEqual(await temporaries(out), [])
      } else assert.equal((await temporaries(out)).length, 1)
    }
    assert.equal((await backup(out)).code, 0)
    assert.deepEqual(await readdir(dirname(out)), ['backup.db'])
  })

  test('an earlier file stays unless it is to be replaced; the store itself never is', async () => {
    const out = join(folder, 'earlier.db')
    await writeFile(out, 'earlier')
    const refused = await backup(out)
    assert.equal(refused.code, 1)
    assert.match(
      refused.stderr,
      /earlier\.db is there already; choose another file, or replace it with --overwrite/,
    )
    assert.equal(await readFile(out, 'utf8'), 'earlier')
    assert.equal((await backup(out, '--overwrite')).code, 0)
    assert.equal(valuesIn(out).length, WRITTEN)
    const itself = await backup(path, '--overwrite')
    assert.match(itself.stderr, /this is the store itself/)
    assert.equal(itself.code, 1)
  })

  test('it replaces no store that is served, nor one that a killed server has left changes of', async () => {
    const place = await temporaryFolder()
    const out = join(place, 'served.db')
    const killed = join(place, 'killed.db')
    const gone = join(place, 'gone.db')
    const served = await openSqliteStore(out, LAYOUT)
    await served.write([put('users', 1, zeros.with(0, 1))])
    for (const suffix of ['', '-wal', '-shm']) await copyFile(out + suffix, killed + suffix)
    await copyFile(`${out}-wal`, `${gone}-wal`)
    const inUse = await backup(out, '--overwrite')
    assert.match(inUse.stderr, /served\.db must not be in use, found another process that has it open/)
    await served.write([put('users', 2, zeros.with(0, 2))])
    assert.deepEqual(valuesIn(out), [1, 2])
    await served.close()
    for (const [file, left] of [
      [killed, /found \S+killed\.db-wal and \S+killed\.db-shm; /],
      [gone, /found \S+gone\.db-wal; /],
    ] as const) {
      const refused = await backup(file, '--overwrite')
      assert.match(refused.stderr, left)
      assert.deepEqual([inUse.code, refused.code], [1, 1])
    }
    assert.deepEqual(await temporaries(out), [])
    assert.deepEqual(valuesIn(killed), [1], 'the changes that it had are there')

    for (const suffix of ['-wal', '-shm']) await rm(killed + suffix)
    for (const file of [out, killed]) {
      assert.equal((await backup(file, '--overwrite')).code, 0)
      const replaced = await openSqliteStore(file, LAYOUT)
      assert.deepEqual(await replaced.count(), { users: MANY, restaurants: 1 })
      await replaced.close()
    }
  })

  test('it replaces no file beside a store, by whichever name', async () => {
    const place = await temporaryFolder()
    const [own, other] = [join(place, 'own.db'), join(place, 'other.db')]
    const stores = [await openSqliteStore(own, LAYOUT), await openSqliteStore(other, LAYOUT)]
    for (const opened of stores) await opened.write([put('users', 1, zeros.with(0, 1))])
    await symlink(`${own}-wal`, join(place, 'symbolic'))
    await link(`${own}-wal`, join(place, 'hard'))
    await symlink(own, join(place, 'store'))
    const beside = ['-wal', '-shm', '-lock', '-journal'].map((suffix) => `own.db${suffix}`)
    const names = beside.concat('other.db-wal', 'symbolic', 'hard', 'store-wal')
    const before = await readdir(place)
    const said = await runCliLines(
      ['own.db', 'store'].flatMap((name) =>
        names.map((out) => {
          const address = `sqlite:${join(place, name)}`
          return ['backup', '--store', address, '--out', join(place, out), '--overwrite']
        }),
      ),
    )
    for (const { code, stderr } of said) {
      assert.equal(code, 1)
      assert.match(stderr, /must not be a file that SQLite keeps beside a store \(FILE-/)
    }
    assert.deepEqual(await readdir(place), before)
    for (const opened of stores) await opened.write([put('users', 2, zeros.with(0, 2))])
    for (const file of [own, other]) assert.deepEqual(valuesIn(file), [1, 2])
    for (const opened of stores) await opened.close()
  })

  test('a damaged store is neither copied nor loaded: the target stays as it is', async () => {
    const damaged = join(folder, 'damaged.db')
    const target = join(folder, 'target.db')
    for (const file of [damaged, target]) assert.equal((await backup(file)).code, 0)
    const file = await open(damaged, 'r+')
    await file.write(Buffer.alloc(3 * 4096, 0xff), 0, 3 * 4096, 4096 * 1000)
    await file.close()
    const before = await readFile(target)
    const [copy, fresh] = [join(folder, 'copy.db'), join(folder, 'fresh.db')]
    const said = await runCliLines([
      ['backup', '--store', `sqlite:${damaged}`, '--out', copy],
      ['load', '--from', damaged, '--store', `sqlite:${target}`],
      ['load', '--from', damaged, '--store', `sqlite:${fresh}`],
    ])
    for (const { code, stderr } of said) {
      assert.equal(code, 1)
      assert.match(stderr, /^nearrank: Cannot (back up|load) .+: the file is damaged.+; restore /)
      assert.doesNotMatch(stderr, /bug/)
    }
    assert.deepEqual(await readFile(target), before)
    for (const none of [copy, fresh]) await assert.rejects(stat(none), { code: 'ENOENT' })
  })

  test('a backup that cannot be read any further is a clear error, too', async () => {
    const damaged = join(folder, 'damaged-later.db')
    assert.equal((await backup(damaged)).code, 0)
    const loading = loadBackup(damaged, `sqlite:${join(folder, 'half.db')}`, {
      onProblem: () => {},
      onProgress: ({ rowsDone }) => {
        if (rowsDone > 20_000) return
        const file = openSync(damaged, 'r+')
        const bytes = Buffer.alloc(statSync(damaged).size - 4096 * 1000, 0xff)
        writeSync(file, bytes, 0, bytes.length, 4096 * 1000)
        closeSync(file)
      },
    })
    await assert.rejects(loading, (error: NearrankError) => {
      assert.equal(error.code, 'DAMAGED')
      assert.match(error.message, /^Cannot load .+damaged-later\.db: the file is damaged; /)
      return true
    })
  })

  test('what is no SQLite store, and what is not complete, is refused', async () => {
    const text = join(folder, 'text')
    await writeFile(text, 'no database at all\n'.repeat(1000))
    const empty = join(folder, 'empty')
    await writeFile(empty, '')
    const partly = join(folder, 'partly.db')
    const filling = await openSqliteStore(partly, LAYOUT)
    const withoutLog = join(folder, 'without-log.db')
    await copyFile(partly, withoutLog)
    await filling.setFilling(true)
    await filling.close()
    const out = join(folder, 'refused.db')
    const alias = join(folder, 'alias.db')
    await symlink(path, alias)
    const address = (url: string) => ['backup', '--store', url, '--out', out]
    const said = await runCliLines([
      address('redis://user:secret@127.0.0.1:1'),
      address(`sqlite:${join(folder, 'nowhere.db')}`),
      address(`sqlite:${text}`),
      address(`sqlite:${empty}`),
      address(`sqlite:${partly}`),
      address(`sqlite:${withoutLog}`),
      ['load', '--from', withoutLog, '--store', `sqlite:${join(folder, 'new.db')}`],
      ['backup', '--store', `sqlite:${path}`],
      ['load', '--from', text, '--store', `sqlite:${join(folder, 'new.db')}`],
      ['load', '--from', path, '--data', folder, '--store', `sqlite:${join(folder, 'new.db')}`],
      ['load', '--store', `sqlite:${join(folder, 'new.db')}`],
      ['load', '--from', join(folder, 'nowhere.db'), '--store', `sqlite:${join(folder, 'new.db')}`],
      ['load', '--from', `sqlite:${path}`, '--store', `sqlite:${join(folder, 'new.db')}`],
      ['load', '--from', 'redis://user:secret@127.0.0.1:1', '--store', `sqlite:${join(folder, 'new.db')}`],
      ['load', '--from', path, '--store', `sqlite:${path}`],
      ['load', '--from', path, '--store', `sqlite:${alias}`],
    ])
    const wanted = [
      /Redis makes its own backups, as with redis-cli --rdb/,
      /there is no file \S+nowhere\.db; check the path/,
      /must be a feature store, found another file/,
      /must be a feature store, found an empty file/,
      /only partly filled/,
      ...[1, 2].map(() => /found a file without tables; .+-wal .+: copy the store with nearrank backup/),
      /--out FILE is missing/,
      /must be a feature store, found another file/,
      /--data, --model and the flags of data cannot be given with it/,
      /--data DIR is missing \(or --from FILE/,
      /Cannot load \S+nowhere\.db: there is no file/,
      /--from must be the path of a file, found an address \(sqlite:…\); leave out sqlite:/,
      /found an address \(redis:…\); only SQLite stores can be loaded/,
      ...[1, 2].map(() => /they are the same file; choose another store/),
    ]
    for (const [i, pattern] of wanted.entries()) {
      assert.match(said[i].stderr, pattern)
      assert.doesNotMatch(said[i].stderr, /secret|bug/)
      assert.notEqual(said[i].code, 0)
    }
    for (const file of [out, join(folder, 'new.db'), join(folder, 'nowhere.db')])
      await assert.rejects(stat(file), { code: 'ENOENT' })
  })
})
