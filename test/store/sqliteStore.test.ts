import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { NearrankError } from '../../src/errors.ts'
import type { FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { openSqliteFile } from '../../src/store/sqlite/file.ts'
import { openForReading } from '../../src/store/sqlite/openForReading.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { put, putValues, remove } from './changes.ts'
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
  test('commits are synced, and SQLite never stops the thread to wait for a lock', async () => {
    const { database, close } = await openSqliteFile(join(await temporaryFolder(), 's.db'), OPTIONS)
    const setting = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    assert.equal(setting('synchronous'), 2, 'FULL')
    assert.equal(setting('journal_mode'), 'wal')
    assert.equal(setting('busy_timeout'), 0)
    close()
  })

  test('nothing is left in the file of a row that was deleted or replaced', async () => {
    const path = join(await temporaryFolder(), 's.db')
    const store = await openSqliteStore(path, OPTIONS)
    const secret = (id: number) => put('users', id, [12345.5, 12345.5, 12345.5])
    await store.write(
      Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? secret(i) : put('users', i, [1, 2, 3]))),
    )
    const isThere = async () =>
      (await readFile(path)).includes(Buffer.from(Float32Array.of(12345.5, 12345.5).buffer))
    await store.close()
    assert.ok(await isThere())
    const again = await openSqliteStore(path, OPTIONS)
    await again.write(
      Array.from({ length: 1000 }, (_, i) =>
        i % 2 === 0 ? remove('users', 3 * i) : put('users', 3 * i, [4, 5, 6]),
      ),
    )
    await again.close()
    assert.ok(!(await isThere()))
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

  test('a log without the file that it belongs to is refused and stays', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 's.db')
    const store = await openSqliteStore(path, OPTIONS)
    await store.write([put('users', 1, [1, 2, 3])])
    const copy = join(folder, 'copy.db')
    for (const suffix of ['', '-wal']) await copyFile(path + suffix, copy + suffix)
    await store.close()
    const [file, log] = [await readFile(copy), await readFile(`${copy}-wal`)]
    await rm(copy)
    const refused = (found: RegExp) => assert.rejects(openSqliteStore(copy, OPTIONS), isError('INPUT', found))
    await refused(/copy\.db-wal belongs to, found none; put the file back/)
    await assert.rejects(stat(copy), { code: 'ENOENT' })
    await writeFile(copy, '')
    await refused(/copy\.db-wal belongs to, found an empty one; /)
    assert.deepEqual(await readFile(`${copy}-wal`), log)

    await writeFile(copy, file)
    const again = await openSqliteStore(copy, OPTIONS)
    assert.deepEqual(await again.count(), { users: 1, restaurants: 0 })
    await again.close()
    await writeFile(`${copy}-wal`, '') // as a killed server may leave it
    await rm(copy)
    await (await openSqliteStore(copy, OPTIONS)).close()
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

  test('a file without tables is refused and stays, also without its log; a creation that was killed goes on', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 's.db')
    const store = await openSqliteStore(path, OPTIONS)
    await store.write([put('users', 1, [1, 2, 3])])
    const [copy, headerOnly, byte] = ['copy.db', 'header.db', 'byte.db'].map((name) => join(folder, name))
    await copyFile(path, copy) // the tables are in the log yet
    await store.close()
    const other = new DatabaseSync(headerOnly)
    other.exec('CREATE TABLE t (a); DROP TABLE t; VACUUM')
    other.close()
    await writeFile(byte, '\n')
    const before = await readdir(folder)
    for (const file of [copy, headerOnly, byte]) {
      const bytes = await readFile(file)
      await assert.rejects(
        openSqliteStore(file, OPTIONS),
        isError('INPUT', /or an empty file, found a file of \d+ bytes without tables; choose another path/),
      )
      assert.deepEqual(await readFile(file), bytes)
    }
    assert.deepEqual(await readdir(folder), before)
    // As a kill leaves them between the header and the tables.
    await writeFile(`${copy}-wal`, '')
    const again = await openSqliteStore(copy, OPTIONS)
    assert.deepEqual(await again.count(), { users: 0, restaurants: 0 })
    await again.close()
  })

  test('a store that was cut off anywhere is refused', async () => {
    const path = await filled(1000)
    const bytes = await readFile(path)
    const lengths = [
      1,
      15,
      16,
      50,
      99,
      100,
      511,
      512,
      4095,
      4096,
      4097,
      8192,
      bytes.length / 2,
      bytes.length - 1,
    ]
    for (const length of lengths) {
      const cut = `${path}.${length}`
      await writeFile(cut, bytes.subarray(0, length))
      await assert.rejects(openSqliteStore(cut, OPTIONS), isRefusal, `${length} bytes`)
      await assert.rejects(openForReading(cut, 'load it'), isRefusal, `${length} bytes`)
      assert.deepEqual(await readFile(cut), bytes.subarray(0, length))
    }
  })

  test('to read a store that is not open leaves no file beside it; of one that is open, all stay', async () => {
    const path = await filled(10)
    const beside = async () => (await readdir(dirname(path))).toSorted()
    const before = await beside()
    assert.ok(!before.some((name) => /-(?:wal|shm)$/.test(name)))
    const bytes = await readFile(path)
    const source = await openForReading(path, 'load it')
    assert.equal(source.database.prepare('SELECT count(*) AS count FROM users').get()?.count, 10)
    source.close()
    assert.deepEqual(await beside(), before)
    assert.deepEqual(await readFile(path), bytes)

    // A server that starts while the store is being read, or reads on.
    const reading = await openForReading(path, 'load it')
    const store = await openSqliteStore(path, OPTIONS)
    await store.write([put('users', 100, [1, 2, 3])])
    reading.close()
    await store.write([put('users', 101, [1, 2, 3])])
    const open = await beside()
    assert.ok(open.some((name) => name.endsWith('-wal')))
    const second = await openForReading(path, 'load it')
    assert.equal(second.database.prepare('SELECT count(*) AS count FROM users').get()?.count, 12)
    second.close()
    assert.deepEqual(await beside(), open)
    assert.equal(store.status().troubles, undefined)
    await store.close()
  })

  test('damaged names of features are told of', async () => {
    for (const names of ['a,b,c', '["a","b"]', '["a","b",3]', 'null']) {
      const path = await filled(10)
      edit(path, `UPDATE layout SET names = '${names}' WHERE side = 'users'`)
      await assert.rejects(openSqliteStore(path, OPTIONS), isError('DAMAGED', /its description of the users/))
    }
  })

  test('a table that is missing, or that lacks a column, is told of', async () => {
    const damage: [string, RegExp][] = [
      ['DROP TABLE restaurants', /its table restaurants is missing; restore a backup/],
      ['DROP TABLE users', /its table users is missing/],
      ['DROP TABLE layout', /its table layout is missing/],
      ['ALTER TABLE restaurants DROP COLUMN longitude', /its table restaurants is damaged/],
      ['ALTER TABLE layout DROP COLUMN names', /its table layout is damaged/],
      [
        "DELETE FROM layout WHERE side = 'users'",
        /its description of the users is damaged; restore a backup/,
      ],
    ]
    for (const [sql, told] of damage) {
      const path = await filled(10)
      edit(path, sql)
      await assert.rejects(openSqliteStore(path, OPTIONS), isError('DAMAGED', told))
      await assert.rejects(openForReading(path, 'load it'), isError('DAMAGED', told))
    }
    const path = join(await temporaryFolder(), 's.db')
    const values = { features: 1, form: 'values', names: ['f'] } as const
    await (await openSqliteStore(path, { layout: { users: values, restaurants: values } })).close()
    edit(path, 'ALTER TABLE layout DROP COLUMN form')
    const noForm = isError('DAMAGED', /its table layout is damaged; restore a backup/)
    await assert.rejects(openSqliteStore(path, OPTIONS), noForm)
    await assert.rejects(openForReading(path, 'load it'), noForm)
  })

  test('a store of vectors is as version 0.1 made it, and one that it made is read and written', async () => {
    const path = join(await temporaryFolder(), 's.db')
    await (await openSqliteStore(path, OPTIONS)).close()
    const made = new DatabaseSync(path)
    const schema = made.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    assert.deepEqual({ ...made.prepare('PRAGMA user_version').get() }, { user_version: 1 })
    made.close()
    const old = join(await temporaryFolder(), 'old.db')
    const database = new DatabaseSync(old)
    database.exec(`
      CREATE TABLE layout (
        side TEXT PRIMARY KEY, features INTEGER NOT NULL, ids TEXT NOT NULL, names TEXT,
        row_count INTEGER NOT NULL DEFAULT 0, filling INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE TABLE users (id INTEGER PRIMARY KEY NOT NULL, features BLOB NOT NULL) STRICT;
      CREATE TABLE restaurants (
        id INTEGER PRIMARY KEY NOT NULL, features BLOB NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL
      ) STRICT;
      INSERT INTO layout (side, features, ids, names, row_count)
        VALUES ('users', 3, 'integer', '["a","b","c"]', 1), ('restaurants', 2, 'integer', NULL, 0);
      INSERT INTO users VALUES (5, x'0000803f00000040000040c0');
      PRAGMA application_id = 1314023027;
      PRAGMA user_version = 1`)
    const words = (sql: unknown) => String(sql).split(/\s+/)
    for (const [i, { name, sql }] of database
      .prepare('SELECT name, sql FROM sqlite_schema ORDER BY name')
      .all()
      .entries()) {
      assert.equal(schema[i].name, name)
      assert.deepEqual(words(schema[i].sql), words(sql))
    }
    database.close()
    const store = await openSqliteStore(old, OPTIONS)
    assert.deepEqual(store.layout.users, { features: 3, ids: 'integer', names: ['a', 'b', 'c'] })
    const copy = await startCopy(store)
    await store.write([put('users', 6, [4, 5, 6])])
    const expected = noRows()
    applyChanges(expected, [put('users', 5, [1, 2, -3]), put('users', 6, [4, 5, 6])])
    assert.deepEqual(copy.rows, expected)
    await store.close()
  })

  test('values that others have spoilt are left out and told of', async () => {
    const path = join(await temporaryFolder(), 's.db')
    const side = (names: string[]) => ({ features: names.length, names, form: 'values' as const })
    const options: OpenStoreOptions = { layout: { users: side(['a', 'b']), restaurants: side(['x']) } }
    const store = await openSqliteStore(path, options)
    await store.write([1, 2, 3, 4, 5].map((id) => putValues('users', id, { a: id, b: ['x'] })))
    await store.close()
    for (const [id, text] of [
      [1, '{"a":1'],
      [2, '[1]'],
      [3, '{"c":1}'],
      [4, '{"a":{}}'],
    ] as const)
      edit(path, `UPDATE users SET features = CAST('${text}' AS BLOB) WHERE id = ${id}`)
    const again = await openSqliteStore(path, options)
    const copy = await startCopy(again)
    assert.deepEqual([...copy.rows.users.keys()], [5])
    assert.deepEqual(
      copy.problems.map((problem) => problem.replace('A row of the store is left out: users, ', '')),
      [
        'id "1": features must be an object with values by the names of the features (a, b), found undefined',
        'id "2": features must be an object with values by the names of the features (a, b), found [1]',
        'id "3": the feature "c" is unknown, the features are a, b',
        'id "4": feature a must be a number, a text, true, false, null or a list of these, found {}',
      ],
    )
    await again.close()
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

/** A store's file that is no whole one is told of as one or as another file. */
function isRefusal(error: unknown): boolean {
  return error instanceof NearrankError && (error.code === 'INPUT' || error.code === 'DAMAGED')
}
