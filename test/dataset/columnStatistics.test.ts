import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ColumnStatistics } from '../../src/dataset/tables/columnStatistics.ts'

test('mean and standard deviation are those of two plain passes, relative error < 1e-9', () => {
  const value = fc.float({ min: -1000, max: 1000, noNaN: true })
  const offset = fc.constantFrom(0, 1, 1e4)
  fc.assert(
    fc.property(
      fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 1 }),
      offset,
      fc.nat({ max: 9 }),
      (rows, add, split) => {
        const shifted = rows.map((row) => row.map((x) => Math.fround(x + add)))
        const statistics = new ColumnStatistics(3)
        const cut = Math.floor((shifted.length * split) / 9)
        for (const part of [shifted.slice(0, cut), shifted.slice(cut)])
          statistics.add(Float32Array.from(part.flat()), part.length)
        const deviations = statistics.standardDeviation()
        for (let k = 0; k < 3; k++) {
          const column = shifted.map((row) => row[k])
          const mean = column.reduce((a, b) => a + b, 0) / column.length
          const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length
          assert.ok(Math.abs(statistics.mean[k] - mean) <= 1e-9 * (1 + Math.abs(mean)))
          assert.ok(Math.abs(deviations[k] - Math.sqrt(variance)) <= 1e-9 * (1 + Math.sqrt(variance)))
        }
      },
    ),
  )
})

test('a constant has deviation 0', () => {
  const statistics = new ColumnStatistics(1)
  for (let i = 0; i < 5; i++) statistics.add(new Float32Array(1000).fill(0.1), 1000)
  assert.deepEqual([...statistics.standardDeviation()], [0])
})
