import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseWire, pathId, wireId } from '../src/client/wireJson.ts'
import { openTables } from '../src/dataset/tables/openTables.ts'
import { readIds } from '../src/dataset/tables/readTables.ts'
import { type FeatureId, ID_KINDS, type IdKind, idJson, parseId } from '../src/ids.ts'
import { IdTable } from '../src/live/idTable.ts'
import { parseRecommendRequest } from '../src/ranking/requestBody.ts'
import { buildApp } from '../src/server/app.ts'
import type { StoreLayout } from '../src/store/featureStore.ts'
import { keyOf, parseKey } from '../src/store/redis/rows.ts'
import { openSqliteStore } from '../src/store/sqlite/store.ts'
import { withFolder, writeParquetFile } from './dataset/fixture.ts'
import { NDJSON_TYPE, send } from './server/inject.ts'
import { fakeServices } from './server/fakeServices.ts'
import { put } from './store/changes.ts'
import { startCopy } from './store/storeCopy.ts'
import { temporaryFolder } from './training/dataFixture.ts'

/** What a request may hold, and the id that it is; null: it is none. */
const CASES: Record<IdKind, [value: number | string, id: FeatureId | null][]> = {
  integer: [
    [0, 0],
    ['7', 7],
    ['0042', 42],
    [-5, -5],
    ['-9', -9],
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740992', 2n ** 53n],
    ['-9007199254740993', -(2n ** 53n) - 1n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['9223372036854775808', null],
    ['-9223372036854775809', null],
    ['18446744073709551615', null],
    ['99999999999999999999', null],
    ['alice', null],
    ['u8', null],
    ['+8', null],
    ['1.5', null],
    [' 8', null],
    ['', null],
  ],
  unsigned: [
    [0, 0],
    ['7', 7],
    ['0042', 42],
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740993', 2n ** 53n + 1n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['9223372036854775808', 2n ** 63n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['18446744073709551616', null],
    ['99999999999999999999', null],
    [-5, null],
    ['-9', null],
    ['-9223372036854775808', null],
    ['alice', null],
    ['u8', null],
  ],
  string: [
    ['alice', 'alice'],
    ['u00042', 'u00042'],
    ['042', '042'],
    [42, '42'],
    ['18446744073709551616', '18446744073709551616'],
    [' ', ' '],
    ['a/b%2F?', 'a/b%2F?'],
    ['é 🍜"\\', 'é 🍜"\\'],
    ['x'.repeat(256), 'x'.repeat(256)],
    ['🍜'.repeat(128), '🍜'.repeat(128)],
    ['x'.repeat(257), null],
    ['🍜'.repeat(129), null],
    ['a\0b', null],
    ['\ud800', null],
    ['.', null],
    ['..', null],
    ['...', '...'],
    ['.a', '.a'],
    ['', null],
  ],
}
const COLUMN: Record<IdKind, string> = { integer: 'BIGINT', unsigned: 'UBIGINT', string: 'VARCHAR' }

for (const kind of ID_KINDS)
  describe(`ids of the kind ${kind} are the same everywhere`, () => {
    const cases = CASES[kind]
    const ids = cases.flatMap(([, id]) => (id === null ? [] : [id]))
    const layout: StoreLayout = {
      users: { features: 3, ids: kind },
      restaurants: { features: 2, ids: kind },
    }
    const row = '"features":[1,2],"latitude":3,"longitude":4}'

    test('parseId', () => {
      for (const [value, id] of cases) assert.equal(parseId(value, kind) ?? null, id, String(value))
    })

    test('GET and PUT by a path', async () => {
      const services = fakeServices(layout)
      const app = buildApp({ services })
      for (const [value, id] of cases) {
        if (!String(value).isWellFormed() || /^\.\.?$/.test(String(value))) continue // no path can hold it
        const path = `/restaurants/${encodeURIComponent(value)}`
        const written = await send(app, `PUT ${path}`, `{${row}`)
        const read = await send(app, `GET ${path}`)
        if (id === null) {
          assert.deepEqual([written.statusCode, read.statusCode], [400, 400], path)
          assert.deepEqual([codeOf(written.body), codeOf(read.body)], ['BAD_ID', 'BAD_ID'], path)
          continue
        }
        assert.deepEqual([written.statusCode, read.statusCode], [204, 200], path)
        assert.equal(services.written.at(-1)?.id, id)
        assert.equal((parseWire(read.body) as { restaurant_id: unknown }).restaurant_id, id)
      }
      await app.close()
    })

    test('a line of a bulk load', async () => {
      const services = fakeServices(layout)
      const app = buildApp({ services })
      for (const [value, id] of cases) {
        const line = `{"restaurant_id":${JSON.stringify(value)},${row}`
        const { statusCode, body } = await send(app, 'POST /features', line, NDJSON_TYPE)
        if (id !== null) assert.equal(services.written.at(-1)?.id, id)
        // An empty or long string is no id of any kind, and so not the body that is wanted.
        else assert.match(codeOf(body), /^BAD_(ID|BODY)$/)
        assert.equal(statusCode === 200, id !== null, `${line}: ${body}`)
      }
      await app.close()
    })

    test('a list of candidates', () => {
      const table = new IdTable(IdTable.memoryFor(kind, ids.length, 10_000))
      for (const id of ids) table.add(id)
      for (const [value, id] of cases) {
        const body = { candidate_restaurant_ids: [value], latitude: 0, longitude: 0 }
        const isBody = typeof value === 'number' || (value.length > 0 && value.length <= 256)
        if (!isBody) {
          assert.throws(() => parseRecommendRequest(body))
          continue
        }
        const { candidateRestaurantIds } = parseRecommendRequest(JSON.parse(JSON.stringify(body)))
        const rows = new Uint32Array(1)
        const found = table.rowsInto(rows, candidateRestaurantIds ?? [])
        assert.equal(found === 1 ? table.idAt(rows[0]) : null, id, String(value))
      }
    })

    test('a SQLite file', async () => {
      const path = join(await temporaryFolder(), 'ids.db')
      const store = await openSqliteStore(path, { layout })
      await store.write(ids.map((id, i) => put('restaurants', id, [i, 0])))
      for (const [value, id] of cases)
        if (id === null) await assert.rejects(store.write([put('restaurants', value, [1, 2])]))
      await store.close()
      const again = await openSqliteStore(path, { layout })
      const { rows, problems } = await startCopy(again)
      assert.deepEqual(problems, [])
      assert.deepEqual(new Set(rows.restaurants.keys()), new Set(ids))
      await again.write([{ side: 'restaurants', id: ids[ids.length - 1], deleted: true }])
      assert.equal((await again.count()).restaurants, ids.length - 1)
      await again.close()
    })

    test('keys in Redis', () => {
      for (const id of ids)
        assert.deepEqual(parseKey('p:', keyOf('p:', { side: 'restaurants', id }), layout), {
          key: `p:restaurant:${id}`,
          side: 'restaurants',
          id,
        })
      for (const [value, id] of cases)
        if (id === null) assert.equal(typeof parseKey('p:', `p:restaurant:${value}`, layout), 'string')
    })

    test('a packed feature table', () =>
      withFolder(async (data) => {
        const values = ids.map((id) => `('${String(id).replaceAll("'", "''")}'::${COLUMN[kind]})`)
        const table = `(VALUES ${values.join(', ')}) t(id)`
        await writeParquetFile(data, 'user_features.parquet', `SELECT id AS user_id, 1 AS f0 FROM ${table}`)
        await writeParquetFile(
          data,
          'restaurant_features.parquet',
          `SELECT id AS restaurant_id, 1 AS f0, 2.0 AS latitude, 3.0 AS longitude FROM ${table}`,
        )
        const tables = await openTables({ data })
        for (const side of ['users', 'restaurants'] as const) {
          const found = await readIds(tables[side])
          assert.equal(found.kind, kind)
          assert.deepEqual(
            ids.map((_, i) => found.idAt(i)),
            ids,
          )
          for (const [value, id] of cases)
            assert.equal(found.rowOf(value), id === null ? undefined : ids.indexOf(id), String(value))
        }
      }))

    test('the typed client, which has code of its own', () => {
      for (const id of ids) {
        assert.equal(parseId(JSON.parse(JSON.stringify(wireId(id))), kind), id)
        assert.equal(parseId(decodeURIComponent(pathId(id)), kind), id)
        assert.deepEqual(parseWire(`{"id":${idJson(id)}}`), { id })
      }
    })
  })

function codeOf(body: string): string {
  return (JSON.parse(body) as { code: string }).code
}
