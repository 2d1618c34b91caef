import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { formatFigure, formatShare } from '../../src/format.ts'
import { scaleOf } from '../../src/report/scale.ts'

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true })
const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true })

describe('scaleOf', () => {
  test('holds every value between its ends, in order, with ticks that have names of their own', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { maxLength: 20 }),
        fc.constantFrom(formatFigure, formatShare),
        (values, format) => {
          const { at, ticks, low, high } = scaleOf(values, { label: '', format }, [200, 30])
          assert.ok(low < high)
          const room = 1e-9 * (high - low) // of rounding
          for (const value of values)
            assert.ok(value >= low - room && value <= high + room, `${value} in ${low} to ${high}`)
          assert.ok(Math.abs(at(low) - 200) < 1e-6 && Math.abs(at(high) - 30) < 1e-6)
          assert.ok(ticks.length >= 2 && ticks.length <= 12, ticks.join(' '))
          assert.equal(new Set(ticks.map(format)).size, ticks.length, ticks.map(format).join(' '))
          for (const tick of ticks) assert.ok(at(tick) <= 200 + 1e-6 && at(tick) >= 30 - 1e-6)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('logarithmic: equal factors are equally far apart', () => {
    fc.assert(
      fc.property(fc.array(positive, { maxLength: 20 }), (values) => {
        const { at, ticks, low, high } = scaleOf(values, { label: '', format: String, log: true }, [0, 100])
        for (const value of values)
          assert.ok(value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9), `${value} in ${low} to ${high}`)
        const half = Math.sqrt(low * high)
        assert.ok(Math.abs(at(half) - 50) < 1e-6)
        assert.ok(ticks.length >= 1 && ticks.length <= 8, ticks.join(' '))
        for (const tick of ticks) assert.ok(at(tick) >= -1e-6 && at(tick) <= 100 + 1e-6)
      }),
    )
  })

  test('ends that are given stay, and round ones are found for the rest', () => {
    const axis = { label: '', format: String }
    assert.deepEqual(
      scaleOf([0.2, 0.93], { ...axis, low: 0, high: 1 }, [0, 1]).ticks,
      [0, 0.2, 0.4, 0.6, 0.8, 1],
    )
    assert.deepEqual(scaleOf([3, 41], axis, [0, 1]).ticks, [0, 10, 20, 30, 40, 50])
    assert.deepEqual(scaleOf([0.7, 30], { ...axis, log: true }, [0, 1]).ticks, [0.5, 1, 2, 5, 10, 20, 50])
    assert.deepEqual(scaleOf([1.3, 950], { ...axis, log: true }, [0, 1]).ticks, [1, 10, 100, 1000])
    assert.deepEqual(scaleOf([7], axis, [0, 1]).at(7) > 0 && scaleOf([7], axis, [0, 1]).at(7) < 1, true)
  })
})
