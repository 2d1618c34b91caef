import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import type { FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { openSqliteFile } from '../../src/store/sqlite/file.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { put } from './changes.ts'
import { describeStore, isError } from './conformance.ts'
import { applyChanges, noRows, StoreCopy, startCopy } from './storeCopy.ts'

const OPTIONS: OpenStoreOptions = {
  layout: { users: { features: 3, ids: 'integer' }, restaurants: { features: 2, ids: 'integer' } },
}
const STRINGS: OpenStoreOptions = {
  layout: { users: { features: 3, ids: 'string' }, restaurants: { features: 2, ids: 'string' } },
}

describeStore('SQLite', {
  newHome: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nearrank-'))
    return {
      open: (options) => openSqliteStore(join(folder, 'features.db'), options),
      remove: () => rm(folder, { recursive: true, force: true }),
    }
  },
})

describe('SQLite store', () => {
  test('commits are synced, and the file is held', async () => {
    const { database } = await openSqliteFile(join(await temporaryFolder(), 's.db'), OPTIONS)
    const setting = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    assert.equal(setting('synchronous'), 2, 'FULL')
    assert.equal(setting('journal_mode'), 'wal')
    assert.equal(setting('locking_mode'), 'exclusive')
    database.close()
  })

  test('a second store on the same file is refused until the first is closed', async () => {
    const path = join(await temporaryFolder(), 's.db')
    const first = await openSqliteStore(path, OPTIONS)
    await assert.rejects(
      openSqliteStore(path, OPTIONS),
      isError('CONFLICT', /another process.*POST \/features/),
    )
    await first.write([put('users', 1, [1, 2, 3])])
    await first.close()
    const second = await openSqliteStore(path, OPTIONS)
    assert.deepEqual(await second.count(), { users: 1, restaurants: 0 })
    await second.close()
  })

  test('missing folders are made; a path is only a path', async () => {
    const folder = await temporaryFolder()
    for (const name of ['a/b/s.db', ':memory:', 'file:x?mode=memory', 'ü 🍜 %20.db']) {
      const store = await openSqliteStore(join(folder, name), OPTIONS)
      await store.write([put('users', 1, [1, 2, 3])])
      await store.close()
      assert.ok((await stat(join(folder, name))).size > 0, name)
    }
  })

  test('an empty file becomes a store', async () => {
    const path = join(await temporaryFolder(), 's.db')
    await writeFile(path, '')
    const store = await openSqliteStore(path, OPTIONS)
    assert.deepEqual(store.layout, OPTIONS.layout)
    await store.close()
  })

  test('a file that is no store is refused and stays as it is', async () => {
    const folder = await temporaryFolder()
    const other = new DatabaseSync(join(folder, 'other'))
    other.exec('CREATE TABLE users (id INTEGER PRIMARY KEY)')
    other.close()
    await writeFile(join(folder, 'text'), 'no database at all\n'.repeat(1000))
    for (const name of ['other', 'text']) {
      const before = await readFile(join(folder, name))
      await assert.rejects(
        openSqliteStore(join(folder, name), OPTIONS),
        isError('INPUT', /feature store, found/),
      )
      assert.deepEqual(await readFile(join(folder, name)), before)
    }
    await mkdir(join(folder, 'folder'))
    await assert.rejects(openSqliteStore(join(folder, 'folder'), OPTIONS), isError('INPUT', /found a folder/))
    await assert.rejects(openSqliteStore('/dev/null', OPTIONS), isError('INPUT', /found a device/))
    await assert.rejects(openSqliteStore(join(folder, 'text', 's.db'), OPTIONS), isError('DISK'))
  })

  test('damaged names of features are told of', async () => {
    for (const names of ['a,b,c', '["a","b"]', '["a","b",3]', 'null']) {
      const path = await filled(10)
      edit(path, `UPDATE layout SET names = '${names}' WHERE side = 'users'`)
      await assert.rejects(openSqliteStore(path, OPTIONS), isError('DAMAGED', /its description of the users/))
    }
  })

  test('a store of a newer format is refused', async () => {
    const path = await filled(10)
    edit(path, 'PRAGMA user_version = 3')
    await assert.rejects(
      openSqliteStore(path, OPTIONS),
      isError('INPUT', /format must be 1 or 2, found 3; update/),
    )
  })

  for (const [kind, options] of [
    ['integer', OPTIONS],
    ['string', STRINGS],
  ] as const)
    test(`rows that others have spoilt are left out and told of: ${kind} ids`, async () => {
      const path = join(await temporaryFolder(), 's.db')
      const idOf = (i: number) => (kind === 'integer' ? i : `id ${i}`)
      const store = await openSqliteStore(path, options)
      const expected = noRows()
      for (let i = 0; i < 20_000; i += 5_000) {
        const rows = Array.from({ length: 5_000 }, (_, k) => put('users', idOf(i + k), [i + k, 1, 2]))
        await store.write(rows)
        applyChanges(expected, rows)
      }
      const places = Array.from({ length: 20 }, (_, i) => put('restaurants', idOf(i), [i, 1], i, i))
      await store.write(places)
      applyChanges(expected, places)
      await store.close()

      const spoil: [side: 'users' | 'restaurants', row: number, set: string, problem: RegExp][] = [
        ['users', 3, `features = x'0000c07f0000000000000000'`, /feature 0 must be finite.*NaN/],
        ['users', 9_000, `features = x'000000000000807f00000000'`, /feature 1 must be finite.*Infinity/],
        ['users', 9_001, `features = x'00000000000000'`, /features must be 3 numbers/],
        // Together as long as two good rows.
        ['users', 17_000, `features = x'${'00'.repeat(16)}'`, /features must be 3 numbers, found 4/],
        ['users', 17_001, `features = x'${'00'.repeat(8)}'`, /features must be 3 numbers, found 2/],
        ['restaurants', 4, 'latitude = 91', /latitude must be degrees from -90 to 90, found 91/],
        ['restaurants', 5, 'longitude = 9e999', /longitude must be degrees from -180 to 180, found Infinity/],
        ['restaurants', 6, `features = x''`, /features must be 2 numbers, found 0/],
      ]
      if (kind === 'string')
        spoil.push(['users', 18_000, "id = 'a' || char(0) || 'b'", /the id must be a string/])
      for (const [side, row, set] of spoil) {
        edit(path, `UPDATE ${side} SET ${set} WHERE id = ${kind === 'integer' ? row : `'${idOf(row)}'`}`)
        expected[side].delete(idOf(row))
      }
      const again = await openSqliteStore(path, options)
      const copy = await startCopy(again)
      assert.equal(copy.problems.length, spoil.length)
      for (const [i, [side, , , problem]] of spoil.entries())
        assert.ok(
          copy.problems.some((said) => said.includes(side) && problem.test(said)),
          `${i}: ${problem} in ${copy.problems.join('\n')}`,
        )
      assert.deepEqual(copy.rows, expected)
      await again.close()
    })

  test('of many spoilt rows some are told of, then their number', async () => {
    const path = await filled(100)
    edit(path, `UPDATE users SET features = x'00' WHERE id < 53`)
    const store = await openSqliteStore(path, OPTIONS)
    const copy = await startCopy(store)
    assert.equal(copy.problems.length, 21)
    assert.match(copy.problems[20], /^33 more rows/)
    assert.equal(copy.rows.users.size, 47)
    await store.close()
  })

  test('a damaged file is refused with what to do', async () => {
    const path = await filled(20_000)
    const whole = await readFile(path)
    const spoilt = Buffer.from(whole)
    spoilt.fill(0xff, whole.length / 2, whole.length / 2 + 3 * 4096)
    for (const bytes of [spoilt, whole.subarray(0, whole.length / 2)]) {
      await writeFile(path, bytes)
      await assert.rejects(readThrough(path), isError('DAMAGED', /damaged; restore a backup/))
    }
    await writeFile(path, whole)
    assert.equal((await readThrough(path)).rows.users.size, 20_000)
  })

  test('damage anywhere: an error to read, or rows that are whole', async () => {
    const path = await filled(2_000)
    const whole = await readFile(path)
    let refused = 0
    for (let i = 0; i < 60; i++) {
      const spoilt = Buffer.from(whole)
      const at = (i * 7919 * 13) % (whole.length - 64)
      for (let k = 0; k < 64; k++) spoilt[at + k] = (i * 31 + k * 97) % 256
      await writeFile(path, spoilt)
      try {
        const { rows } = await readThrough(path)
        for (const { bits } of rows.users.values()) assert.equal(bits.length, 3)
      } catch (error) {
        refused++
        assert.match(String(error), /^NearrankError: Cannot (open|read) the store /)
      }
    }
    assert.ok(refused > 0 && refused < 60, `${refused} of 60 refused`)
  })

  test('close stops a start', async () => {
    const path = await filled(20_000)
    const store = await openSqliteStore(path, OPTIONS)
    const copy = new StoreCopy(store.layout)
    const outcome = assert.rejects(store.start(copy), isError('CONFLICT'))
    await store.close()
    await outcome
    assert.equal(store.status().synced, false)
  })
})

/** A closed store of `rows` users. */
async function filled(rows: number): Promise<string> {
  const path = join(await temporaryFolder(), 's.db')
  const store = await openSqliteStore(path, OPTIONS)
  await store.write(Array.from({ length: rows }, (_, i) => put('users', i, [i, -i, i / 3])))
  await store.close()
  return path
}

async function readThrough(path: string): Promise<StoreCopy> {
  let store: FeatureStore | undefined
  try {
    store = await openSqliteStore(path, OPTIONS)
    return await startCopy(store)
  } finally {
    await store?.close()
  }
}

/** What another program does to the file. */
function edit(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}
