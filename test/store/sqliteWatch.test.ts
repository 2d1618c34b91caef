import assert from 'node:assert/strict'
import { copyFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import type { FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { openSqliteFile } from '../../src/store/sqlite/file.ts'
import { SqliteWatch } from '../../src/store/sqlite/watch.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { put } from './changes.ts'
import { isError } from './conformance.ts'
import { eventually } from './redisRowsOfServer.ts'
import { applyChanges, noRows, startCopy } from './storeCopy.ts'

const OPTIONS: OpenStoreOptions = {
  layout: { users: { features: 2, ids: 'integer' }, restaurants: { features: 1, ids: 'integer' } },
}
const LOST = /^A file of the store was deleted or replaced\. Changes are refused/

/** The disk fails at each read of the table, as SQLite tells of it, until it is repaired. */
function failReads(table: string): { failures: () => number; repair: () => void } {
  const methods = DatabaseSync.prototype as Record<
    'prepare',
    (this: DatabaseSync, sql: string) => StatementSync
  >
  const { prepare } = methods
  let failures = 0
  methods.prepare = function (sql) {
    if (new RegExp(`SELECT .* FROM ${table}`, 's').test(sql)) {
      failures++
      throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 266 })
    }
    return prepare.call(this, sql)
  }
  return {
    failures: () => failures,
    repair: () => {
      methods.prepare = prepare
    },
  }
}

async function open(calmMs = 200): Promise<{ path: string; store: FeatureStore }> {
  const path = join(await temporaryFolder(), 's.db')
  const store = await openSqliteStore(path, { ...OPTIONS, calmMs })
  await store.write([put('users', 1, [1, 2])])
  return { path, store }
}

describe('the files of an open SQLite store', () => {
  for (const suffix of ['', '-wal', '-shm'])
    test(`s.db${suffix} is gone, then another, then back: nothing is acknowledged meanwhile, and health says so`, async () => {
      const { path, store } = await open()
      const copy = await startCopy(store)
      const file = path + suffix
      await rename(file, `${path}.aside`)
      await assert.rejects(
        store.write([put('users', 2, [1, 2])]),
        isError(
          'DISK',
          /must be the file that was opened, found none; put the file back, or stop the server/,
        ),
      )
      await assert.rejects(store.setFilling(true), isError('DISK'))
      assert.match(store.status().troubles?.[0] ?? '', LOST)
      await eventually(() => assert.match(copy.problems[0] ?? '', LOST))
      await copyFile(`${path}.aside`, file)
      await assert.rejects(store.write([put('users', 2, [1, 2])]), isError('DISK', /found another one/))
      assert.match(store.status().troubles?.[0] ?? '', LOST)
      assert.doesNotMatch(store.status().troubles?.join() ?? '', /s\.db/, 'anybody may read it')
      await rm(file)
      await rename(`${path}.aside`, file)
      assert.equal(store.status().troubles, undefined, 'before the next write, too')
      await store.write([put('users', 3, [5, 6])])
      assert.equal(store.status().troubles, undefined)
      await store.close()
      const again = await openSqliteStore(path, OPTIONS)
      const { rows } = await startCopy(again)
      assert.deepEqual([...rows.users.keys()], [1, 3])
      await again.close()
    })

  test('a large write is taken in between other work, which does not end or join its transaction', async () => {
    const { path, store } = await open()
    const copy = await startCopy(store)
    let turns = 0
    let isWriting = true
    const count = () => {
      turns++
      if (isWriting) setImmediate(count)
    }
    const rows = Array.from({ length: 40_000 }, (_, i) => put('users', i + 10, [i, 0]))
    const writing = store.write(rows)
    setImmediate(count)
    const filling = store.setFilling(true)
    await writing
    isWriting = false
    assert.ok(turns >= 9, `${turns} turns`)
    assert.equal(copy.rows.users.size, 40_001)
    await filling
    await store.close()
    const again = await openSqliteStore(path, OPTIONS)
    assert.ok(await again.isFilling())
    assert.equal((await startCopy(again)).rows.users.size, 40_001)
    await again.close()
  })

  test('a trial after a failed write leaves a transaction alone that is under way', async () => {
    const { path, store } = await open()
    await store.close()
    const file = await openSqliteFile(path, OPTIONS)
    const nothing = () => {}
    const watch = new SqliteWatch(file, {
      path,
      isReading: () => false,
      onForeignChange: nothing,
      onTrouble: nothing,
    })
    watch.wrote(Object.assign(new Error('disk I/O error'), { errcode: 10 }))
    file.database.exec("BEGIN; INSERT INTO users VALUES (77, x'0000803f00000040')")
    await delay(1200) // it looks every second
    assert.ok(file.database.isTransaction)
    file.database.exec('COMMIT')
    watch.close()
    file.close()
    const again = await openSqliteStore(path, OPTIONS)
    assert.deepEqual([...(await startCopy(again)).rows.users.keys()], [1, 77])
    await again.close()
  })

  test('a large write that fails in the middle leaves nothing, and takes nothing else with it', async () => {
    const { path, store } = await open()
    const other = new DatabaseSync(path)
    other.exec(
      "CREATE TRIGGER stop BEFORE INSERT ON users WHEN NEW.id = 150000 BEGIN SELECT RAISE(ABORT, 'stop'); END",
    )
    other.close()
    const rows = Array.from({ length: 200_000 }, (_, i) => put('users', i + 10, [i, 0]))
    const writing = assert.rejects(store.write(rows), /stop/)
    for (let turn = 0; turn < 3; turn++) await delay(0) // so that it is under way
    const filling = store.setFilling(true)
    await writing
    await filling
    assert.ok(await store.isFilling())
    assert.deepEqual(await store.count(), { users: 1, restaurants: 0 })
    await store.close()
  })

  test('they are four, one of them a lock that is empty', async () => {
    const { path, store } = await open()
    assert.deepEqual((await readdir(dirname(path))).toSorted(), ['s.db', 's.db-lock', 's.db-shm', 's.db-wal'])
    assert.equal((await stat(`${path}-lock`)).size, 0)
    await store.close()
  })

  test('what another program writes is read, and what is written meanwhile is kept', async () => {
    const { path, store } = await open()
    await store.write([put('users', 2, [3, 4]), put('restaurants', 7, [1], 13, 100)])
    const copy = await startCopy(store)
    const other = new DatabaseSync(path)
    other.exec(`
      DELETE FROM users WHERE id = 1;
      INSERT INTO users VALUES (5, x'0000803f00000040');
      UPDATE restaurants SET latitude = 14`)
    await store.write([put('users', 6, [7, 8])])
    const expected = noRows()
    applyChanges(expected, [
      put('users', 2, [3, 4]),
      put('users', 5, [1, 2]),
      put('users', 6, [7, 8]),
      put('restaurants', 7, [1], 14, 100),
    ])
    await eventually(() => assert.deepEqual(copy.rows, expected))
    assert.equal(copy.syncs, 2)
    assert.deepEqual(copy.problems, ['Another program has changed the store. It is read again.'])
    assert.deepEqual(await store.count(), { users: 3, restaurants: 1 })
    other.close()
    await store.close()
  })

  test('what cannot be read again is tried until it can, without another change', async () => {
    const { path, store } = await open()
    await store.write([put('restaurants', 7, [1], 13, 100)])
    const copy = await startCopy(store)
    const disk = failReads('restaurants')
    const other = new DatabaseSync(path)
    other.exec(`UPDATE users SET id = 5; UPDATE restaurants SET latitude = 14`)
    other.close()
    try {
      await eventually(() => assert.ok(disk.failures() >= 2))
      assert.match(store.status().troubles?.[0] ?? '', /cannot be read again: the system reported an error/)
      assert.equal(store.status().synced, false)
    } finally {
      disk.repair()
    }
    const expected = noRows()
    applyChanges(expected, [put('users', 5, [1, 2]), put('restaurants', 7, [1], 14, 100)])
    await eventually(() => assert.equal(store.status().synced, true))
    assert.deepEqual(copy.rows, expected)
    await eventually(() => assert.equal(store.status().troubles, undefined))
    assert.equal(copy.problems.filter((problem) => /It is read again/.test(problem)).length, 1)
    assert.equal(copy.problems.filter((problem) => /cannot be read again/.test(problem)).length, 1)
    await store.close()
  })

  test('who only reads, and what the store writes itself, makes it read nothing again', async () => {
    const { path, store } = await open()
    const copy = await startCopy(store)
    const reader = new DatabaseSync(path, { readOnly: true })
    const end = performance.now() + 2500
    for (let id = 10; performance.now() < end; id++) {
      await store.write([put('users', id, [1, 2])])
      assert.equal(reader.prepare('SELECT count(*) AS count FROM users').get()?.count, id - 8)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    reader.close()
    assert.equal(copy.syncs, 1)
    await store.close()
  })

  test('another program that keeps the file from being written: a write fails with a reason, until it ends', async () => {
    const { path, store } = await open()
    await startCopy(store)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(
      store.write([put('users', 2, [1, 2])]),
      isError('CONFLICT', /another program has locked the file; wait/),
    )
    assert.match(
      store.status().troubles?.[0] ?? '',
      /^Writes to the store fail: another program has locked the file/,
    )
    other.exec('COMMIT')
    other.close()
    await eventually(() => assert.equal(store.status().troubles, undefined))
    await store.close()
  })

  test('while a write waits for another program, the thread does other things: it can even end the wait', async () => {
    const { path, store } = await open()
    const other = new DatabaseSync(path)
    for (const write of [() => store.write([put('users', 2, [3, 4])]), () => store.setFilling(true)]) {
      other.exec('BEGIN IMMEDIATE')
      const written = write()
      await new Promise((resolve) => setTimeout(resolve, 50))
      other.exec('COMMIT')
      await written
    }
    assert.deepEqual(await store.count(), { users: 2, restaurants: 0 })
    assert.equal(await store.isFilling(), true)
    assert.equal(store.status().troubles, undefined)
    other.close()
    await store.close()
  })

  test('a small write that works is no reason to call the store well so soon after a change failed; a change is', async () => {
    const { path, store } = await open(60_000)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(store.write([put('users', 2, [1, 2])]), isError('CONFLICT'))
    other.exec('COMMIT')
    const version = () => other.prepare('PRAGMA data_version').get()?.data_version
    const before = version()
    await eventually(() => assert.notEqual(version(), before))
    assert.match(store.status().troubles?.[0] ?? '', /^Writes to the store fail/)
    await store.write([put('users', 2, [1, 2])])
    assert.equal(store.status().troubles, undefined)
    other.close()
    await store.close()
  })
})
