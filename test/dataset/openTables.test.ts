import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readFeaturesInto, readIds, readPlaces, readIdKinds } from '../../src/dataset/tables/readTables.ts'
import { namesOf } from '../../src/features/featureSpec.ts'
import type { IdKind } from '../../src/ids.ts'
import { isError, withFolder, writeParquetFile, writeTables } from './fixture.ts'

const RESTAURANTS = `SELECT 1::BIGINT AS restaurant_id, 1::FLOAT AS f00, 13.5::DOUBLE AS latitude, 100.5::DOUBLE AS longitude`

describe('openTables', () => {
  test('packs features row by row, ids and places', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const tables = await openTables({ data })
      assert.deepEqual(namesOf(tables.users.features), ['f00', 'f01'])
      assert.deepEqual(namesOf(tables.restaurants.features), ['f00'])
      const users = new Float32Array(9).fill(42)
      await readFeaturesInto(tables.users, users, 3)
      assert.deepEqual([...users], [0.5, -1, 42, 1.5, -2, 42, 2.5, -3, 42])
      const ids = await readIds(tables.restaurants)
      assert.deepEqual([ids.idAt(0), ids.idAt(1)], [30, 20])
      assert.deepEqual([ids.rowOf(20), ids.rowOf(30n), ids.rowOf('30'), ids.rowOf(31)], [1, 0, 0, undefined])
      assert.deepEqual(await readPlaces(tables), {
        latitude: new Float64Array([13.5, 14.5]),
        longitude: new Float64Array([100.5, 101.5]),
      })
    }))

  test('reads into shared memory, and rows across the pieces of a large file', () =>
    withFolder(async (data) => {
      const features = Array.from({ length: 7 }, (_, k) => `(i * 10 + ${k})::FLOAT AS f${k}`).join(', ')
      await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
      await writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT i::INTEGER AS user_id, ${features} FROM range(300000) t(i)`,
      )
      const { users } = await openTables({ data })
      const target = new Float32Array(new SharedArrayBuffer(300_000 * 8 * 4))
      await readFeaturesInto(users, target, 8)
      for (let i = 0; i < 300_000; i++)
        for (let k = 0; k < 8; k++)
          if (target[i * 8 + k] !== (k < 7 ? i * 10 + k : 0)) assert.fail(`row ${i}, feature ${k}`)
      // 0 … 299,999 times 10: mean and deviation by the closed forms
      assert.ok(Math.abs(users.mean[3] - (149_999.5 * 10 + 3)) < 1e-6)
      const deviation = 10 * Math.sqrt((300_000 ** 2 - 1) / 12)
      assert.ok(Math.abs(users.standardDeviation[3] / deviation - 1) < 1e-12)
    }))

  test('takes f-columns by number, else every column with something to say, else those named', () =>
    withFolder(async (data) => {
      const write = (columns: string) =>
        writeParquetFile(data, 'user_features.parquet', `SELECT 1::BIGINT AS user_id, ${columns}`)
      await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
      const features = async (userFeatures?: string[]) =>
        namesOf((await openTables({ data, ...(userFeatures && { userFeatures }) })).users.features)
      await write('1::FLOAT AS f10, 2::DOUBLE AS f2, 3 AS age, 4::TINYINT AS f0')
      assert.deepEqual(await features(), ['f0', 'f2', 'f10'])
      assert.deepEqual(await features(['age', 'f2']), ['age', 'f2'])
      await assert.rejects(features(['age', 'nope']), isError('INPUT', /no column nope/, /f10, f2, age, f0/))
      await assert.rejects(features(['age', 'age']), isError('INPUT', /twice/))
      await write(`1.5 AS f0, 'x' AS f1`)
      assert.deepEqual(await features(), ['f0', 'f1'])
      await write(
        `3 AS age, 'x' AS name, 1.5::DECIMAL(4,1) AS score, true AS flag, {'a': 1} AS struct, 1.0 AS latitude`,
      )
      assert.deepEqual(await features(), ['age', 'name', 'score', 'flag'])
      assert.deepEqual(await features(['flag', 'latitude']), ['flag', 'latitude'])
      await assert.rejects(
        features(['struct']),
        isError('INPUT', /column struct cannot be a feature/, /STRUCT/),
      )
      await write(`NULL::VARCHAR AS name`)
      assert.deepEqual(await features(), ['user_id'])
    }))

  test('a number that is missing in one row only, however late, is found: null, or NaN', () =>
    withFolder(async (data) => {
      await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
      for (const hole of ['NULL', `'NaN'::DOUBLE`]) {
        const f1 = `CASE WHEN i = 69999 THEN ${hole} ELSE (i % 2)::DOUBLE END AS f1`
        await writeParquetFile(
          data,
          'user_features.parquet',
          `SELECT i AS user_id, i::FLOAT AS f0, ${f1} FROM range(70000) t(i)`,
        )
        const { users } = await openTables({ data })
        const [whole, holed] = users.features
        assert.deepEqual(whole, { name: 'f0', kind: 'number' })
        assert.ok(holed.kind === 'number' && holed.missing)
        assert.ok(Math.abs(holed.missing.value - 34999 / 69999) < 1e-7, `${holed.missing.value}`)
        const words = users.files.table.bytes / 4 / users.rows
        const target = new Float32Array(words * users.rows)
        await readFeaturesInto(users, target, words)
        const last = Array.from(target.subarray(-words))
        assert.deepEqual(last, [69999, holed.missing.value, ...(holed.missing.flag ? [1] : [])])
      }
    }))

  test('a table that cannot be used is read once, unless its numbers were taken to be whole', () =>
    withFolder(async (data) => {
      const readings = async (feature: string) => {
        const table = (id: string, more: string) => `SELECT ${id}, ${feature}${more} FROM range(70000) t(i)`
        await writeParquetFile(data, 'user_features.parquet', table('i % 69999 AS user_id', ''))
        await writeParquetFile(
          data,
          'restaurant_features.parquet',
          table('i AS restaurant_id', ', 13.5 AS latitude, 100.5 AS longitude'),
        )
        let count = 0
        let last = Infinity
        const onProgress = ({ rowsDone }: { rowsDone: number }) => {
          if (rowsDone <= last) count++
          last = rowsDone
        }
        await assert.rejects(openTables({ data, onProgress }), isError('INPUT', /must hold every id once/))
        return count
      }
      assert.equal(await readings(`i % 7 || ' km' AS area`), 1)
      assert.equal(await readings('i::FLOAT AS f0'), 2)
    }))

  test('values that a byte order mark alone tells apart are one', () =>
    withFolder(async (data) => {
      await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
      const city = `CASE WHEN i = 0 THEN chr(65279) || 'a' ELSE ['a', 'b', 'b', 'b'][i % 4 + 1] END AS city`
      await writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT i AS user_id, ${city} FROM range(12) t(i)`,
      )
      const { users } = await openTables({ data })
      const [feature] = users.features
      assert.ok(feature.kind === 'category')
      assert.deepEqual(feature.values, ['b', 'a'])
      const target = new Float32Array(12)
      await readFeaturesInto(users, target, 1)
      assert.deepEqual([...new Uint32Array(target.buffer)], [3, 2, 2, 2, 3, 2, 2, 2, 3, 2, 2, 2])
    }))

  test('an id may be an integer of any width, or a string', () =>
    withFolder(async (data) => {
      await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
      const cases: [type: string, ids: string[], kinds: IdKind[]][] = [
        ['TINYINT', ['-128', '127', '0'], ['integer']],
        ['USMALLINT', ['65535', '0', '7'], ['integer', 'unsigned']],
        ['INTEGER', ['-2147483648', '2147483647', '3'], ['integer']],
        ['BIGINT', ['-9223372036854775808', '9223372036854775807', '9007199254740993'], ['integer']],
        ['BIGINT', ['0', '9223372036854775807'], ['integer', 'unsigned']],
        ['UBIGINT', ['18446744073709551615', '0', '9223372036854775808'], ['unsigned']],
        ['UBIGINT', ['9223372036854775807', '0'], ['integer', 'unsigned']],
        ['DECIMAL(20,0)', ['12345678901234', '-5', '0'], ['integer']],
        ['DECIMAL(20,0)', ['18446744073709551615', '0'], ['unsigned']],
        ['DECIMAL(38,0)', ['9223372036854775807'], ['integer', 'unsigned']],
        ['DECIMAL(18,0)', ['-999999999999999999'], ['integer']],
        ['VARCHAR', ['user-1', ' ', 'ไทย 🍜', 'x'.repeat(256), '🍜'.repeat(128)], ['string']],
      ]
      for (const [type, ids, kinds] of cases) {
        const values = ids.map((id) => `('${id}'::${type}, 1::FLOAT)`).join(', ')
        await writeParquetFile(
          data,
          'user_features.parquet',
          `SELECT * FROM (VALUES ${values}) t(user_id, f00)`,
        )
        const { users } = await openTables({ data })
        const found = await readIds(users)
        assert.equal(found.kind, kinds[0])
        assert.deepEqual(await readIdKinds(users), kinds)
        for (const [row, id] of ids.entries()) {
          assert.equal(String(found.idAt(row)), id, type)
          assert.equal(found.rowOf(id), row, `${type} ${id}`)
          if (type !== 'VARCHAR') assert.equal(found.rowOf(BigInt(id)), row, `${type} ${id}`)
        }
        assert.equal(found.rowOf(99), undefined)
        assert.equal(found.rowOf(2n ** 80n), undefined)
      }
    }))

  test('is packed once, and anew when a source or the columns change', () =>
    withFolder(async (data) => {
      await writeTables(data)
      let packed = 0
      const open = (options = {}) => openTables({ data, onProgress: () => packed++, ...options })
      const first = await open()
      assert.ok(packed > 0)
      packed = 0
      assert.deepEqual(await open(), first)
      assert.deepEqual(await open({ userFeatures: ['f00', 'f01'] }), first)
      assert.equal(packed, 0)
      const other = await open({ userFeatures: ['f01'] })
      assert.notEqual(other.fingerprint, first.fingerprint)
      const packs = async () => (await readdir(join(data, '.nearrank'))).toSorted()
      const both = [first, other].map(({ fingerprint }) => `tables-${fingerprint}`).toSorted()
      assert.deepEqual(await packs(), both, 'packs of other settings stay: another run may be reading them')
      await writeParquetFile(data, 'user_features.parquet', 'SELECT 1 AS user_id, 2::FLOAT AS f00')
      const changed = await open()
      assert.equal(changed.users.rows, 1)
      const left = [changed, other].map(({ fingerprint }) => `tables-${fingerprint}`).toSorted()
      assert.deepEqual(await packs(), left, 'the earlier version is gone')
    }))

  test('a pack that has lost its manifest is made anew', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const { directory, fingerprint } = await openTables({ data })
      await rm(join(directory, 'manifest.json'))
      assert.equal((await openTables({ data })).fingerprint, fingerprint)
      await readIds((await openTables({ data })).users)
    }))

  test('many at once agree', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const [first, ...others] = await Promise.all(Array.from({ length: 6 }, () => openTables({ data })))
      for (const other of others) assert.deepEqual(other, first)
      assert.deepEqual(await readdir(join(data, '.nearrank')), [`tables-${first.fingerprint}`])
      await readIds(first.users)
    }))

  test('one cache may serve several datasets', () =>
    withFolder(async (folder) => {
      const cache = join(folder, 'cache')
      for (const name of ['a', 'b']) await writeTables(join(folder, name))
      await writeParquetFile(
        join(folder, 'b'),
        'user_features.parquet',
        'SELECT 1 AS user_id, 2::FLOAT AS f00',
      )
      const a = await openTables({ data: join(folder, 'a'), cache })
      const b = await openTables({ data: join(folder, 'b'), cache })
      assert.deepEqual(
        (await readdir(cache)).toSorted(),
        [`tables-${a.fingerprint}`, `tables-${b.fingerprint}`].toSorted(),
      )
      assert.deepEqual(await readdir(join(folder, 'a')), [
        'restaurant_features.parquet',
        'user_features.parquet',
      ])
    }))
})
