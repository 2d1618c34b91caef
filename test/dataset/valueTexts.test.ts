import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { jsonColumn } from '../../src/dataset/tables/jsonValues.ts'
import { valueSql } from '../../src/dataset/tables/valueTypes.ts'
import { type RawValue, textOfValue } from '../../src/features/values.ts'
import { Random } from '../../src/random.ts'

const random = new Random(4)
const ODD = [0, -0, 1, -2, 0.1, -0.5, 1e-4, 99e-6, 5e-5, 1.25e-6, 1e-6, 9.99e-7, 1e-7, -3e-10, 5e-324]
const LARGE = [1e15, -1e15, 2 ** 53, 1e16, 1.5e17, 123456789012345680000, 1e20, 1e21, -1.7976931348623157e308]
const NUMBERS = [
  ...ODD,
  ...LARGE,
  ...LARGE.map((number) => number + 0.5),
  ...Array.from({ length: 3000 }, () => (random.float() - 0.5) * 10 ** (random.below(60) - 30)),
  ...Array.from({ length: 500 }, () => Math.round(random.float() * 1000) / 10 ** random.below(12)),
]

/** What `sql` makes of a column x of the numbers. */
async function selected(numbers: readonly number[], type: string, sql: string, isList = false) {
  const rows = numbers.map((number, i) => `(${i}, '${number}'::${type})`).join(', ')
  const from = `(SELECT i, ${isList ? '[v]' : 'v'} AS x FROM (VALUES ${rows}) t(i, v))`
  let found: RawValue[] = []
  await withDuckDb({}, async (connection) => {
    const result = await connection.runAndReadAll(`SELECT ${sql} FROM ${from} ORDER BY i`)
    found = result.getRows().map(([value]) => value as RawValue)
  })
  return found
}

/** What a category is known by that a file holds as a `type`: single values, or the items of lists. */
function textsOf(numbers: readonly number[], type: string, isList = false) {
  const column = { name: 'x', type: isList ? `${type}[]` : type }
  const sql = valueSql(column, isList ? 'categories' : 'category')
  return selected(numbers, type, isList ? `(${sql})[1]` : sql, isList)
}

for (const isList of [false, true])
  test(`a fraction${isList ? ' in a list' : ''} is known by the text that a request’s number has`, async () => {
    assert.deepEqual(await textsOf(NUMBERS, 'DOUBLE', isList), NUMBERS.map(textOfValue))
    const decimals = [3, 0.25, -7.5, 1234.125, 0.00005]
    assert.deepEqual(await textsOf(decimals, 'DECIMAL(12,6)', isList), decimals.map(textOfValue))
  })

test('a float32 is known by the fewest digits that tell it, as people write it', async () => {
  const written = [0.1, 2.5, -0.3, 1e-5, 3, 0.7, 1234.56, 1e-9]
  assert.deepEqual(await textsOf(written, 'FLOAT'), written.map(textOfValue))
  const any = NUMBERS.map(Math.fround).filter(Number.isFinite)
  const texts = await textsOf(any, 'FLOAT')
  for (const [i, text] of texts.entries()) assert.equal(Math.fround(Number(text)), any[i] + 0)
  // What the store keeps of such a column as a number would be the same category.
  const { sql } = jsonColumn({ name: 'x', type: 'FLOAT' }, { kind: 'number' })
  assert.deepEqual((await selected(any, 'FLOAT', sql)).map(textOfValue), texts)
})
