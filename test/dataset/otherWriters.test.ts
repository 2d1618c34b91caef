import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readFeaturesInto, readIds } from '../../src/dataset/tables/readTables.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { readAllRows, withFolder } from './fixture.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')

/** The same dataset in the files of three writers: see makeFixtures.py. */
describe('files written by', () => {
  for (const [writer, firstUser, secondRestaurant] of [
    ['pandas', 19, 10],
    ['polars', 'u-019 é', 'r-010 é'],
    ['pyarrow', 19, 10], // as Spark has it: decimal(20,0), int16 and int8, INT96 times
  ] as const)
    test(writer, () =>
      withFolder(async (cache) => {
        const expected = JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8')) as {
          users: number[][]
          restaurants: number[][]
          rows: number[][]
        }
        const options = { data: join(FIXTURES, writer), cache }
        const tables = await openTables(options)
        for (const side of ['users', 'restaurants'] as const) {
          const rows = expected[side]
          const values = new Float32Array(rows.length * rows[0].length)
          await readFeaturesInto(tables[side], values, rows[0].length)
          assert.deepEqual([...values], rows.flat())
        }
        assert.equal((await readIds(tables.users)).idAt(0), firstUser)
        assert.equal((await readIds(tables.restaurants)).rowOf(secondRestaurant), 1)
        const rows = await openRows(options, tables, 'train')
        assert.deepEqual(await readAllRows(rows), expected.rows)
        await rows.close()
      }),
    )
})
