import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM } from '../../src/geo/greatCircle.ts'
import { gridCell } from '../../src/geo/gridCell.ts'

const place = fc.record({
  latitude: fc.double({ min: -80, max: 80, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
})

test('places of one cell are never farther from each other than its diagonal', () => {
  const step = fc.double({ min: -0.02, max: 0.02, noNaN: true })
  fc.assert(
    fc.property(place, step, step, ({ latitude, longitude }, north, east) => {
      const other = { latitude: latitude + north, longitude: longitude + east }
      if (gridCell(latitude, longitude, 1000) !== gridCell(other.latitude, other.longitude, 1000)) return
      assert.ok(distanceM(latitude, longitude, other.latitude, other.longitude) < 1000 * 1.5)
    }),
    { numRuns: 5000 },
  )
})

test('a cell is about as large as it should be, near the equator and far from it', () => {
  for (const latitude of [0, 45, 70]) {
    const cells = new Set<number>()
    const [degrees, steps] = [0.18, 200] // 20 km from south to north
    const width = degrees / Math.cos((latitude * Math.PI) / 180)
    for (let i = 0; i < steps; i++)
      for (let k = 0; k < steps; k++)
        cells.add(gridCell(latitude + (degrees * i) / steps, 10 + (width * k) / steps, 1000))
    assert.ok(cells.size > 380 && cells.size < 460, `${cells.size} cells of 1 km in 20 km × 20 km`)
  }
})

test('the poles, the date line and both of its names', () => {
  assert.equal(gridCell(10, 180, 500), gridCell(10, -180, 500))
  for (const latitude of [-90, 90]) assert.ok(Number.isInteger(gridCell(latitude, 12, 500)))
})
