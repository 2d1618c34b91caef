import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ColumnEncoders } from '../../src/dataset/tables/columnEncoders.ts'
import { withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { numberFeatures } from '../../src/features/featureSpec.ts'

const MAX = (2 - 2 ** -23) * 2 ** 127
const FINITE = [0, -0, 1, -1, 2 ** -149, -(2 ** -149), 2 ** -126, MAX, -MAX, Math.fround(Math.PI)]

/** Encodes two columns of these values, the second one backwards, from row `start` on. */
async function encoded(values: readonly number[], start = 0) {
  return withDuckDb({}, async (connection) => {
    const float = (value: number) => `'${Object.is(value, -0) ? '-0' : value}'::FLOAT`
    const rows = values.map((value, i) => `(${i}, ${float(value)}, ${float(values.at(-1 - i)!)})`)
    const sql = `SELECT a, b FROM (VALUES ${rows.join(', ')}) v(i, a, b) ORDER BY i`
    const chunk = (await connection.run(sql)).getChunk(0)
    const vectors = [chunk.getColumnVector(0), chunk.getColumnVector(1)]
    const block = new Float32Array(2 * (values.length + 1)).fill(7)
    const bad = new ColumnEncoders(numberFeatures(['a', 'b']), block).encode(vectors, start, values.length, 1)
    return { block, bad }
  })
}

test('finite numbers of every size and sign come as they are', async () => {
  const { block, bad } = await encoded(FINITE, 2)
  assert.equal(bad, undefined)
  const wanted = FINITE.slice(2).flatMap((value, i) => [value, FINITE.at(-3 - i)])
  assert.deepEqual(Array.from(block), [7, 7, ...wanted, 7, 7, 7, 7])
})

test('NaN and both infinities are found wherever they are', async () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (const [at, start] of [
      [0, 0],
      [4, 0],
      [4, 3],
      [FINITE.length, 9],
    ]) {
      const { bad } = await encoded(FINITE.toSpliced(at, 0, wrong), start)
      const { row, feature, problem } = bad!
      assert.deepEqual([row, feature.name, problem], [at, 'a', 'must be a finite number'])
    }
})
