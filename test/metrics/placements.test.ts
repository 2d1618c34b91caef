import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ClickMetrics } from '../../src/metrics/clickMetrics.ts'
import { Placements } from '../../src/metrics/placements.ts'
import { Random } from '../../src/random.ts'

interface Row {
  logit: number
  click: number
}

const anyRow = fc.record({
  logit: fc.oneof(
    fc.constantFrom(0, -0, 1, -1, 2 ** -149, -(2 ** -149)),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  ),
  click: fc.integer({ min: 0, max: 1 }),
})

function placed(rows: Row[]): number[] {
  const placements = new Placements(Math.max(1, rows.length))
  const to = new Float64Array(rows.length)
  const logits = Float32Array.from(rows, ({ logit }) => logit)
  placements.placeInto(
    to,
    logits,
    Uint8Array.from(rows, ({ click }) => click),
    rows.length,
  )
  return [...to]
}

/** By every pair. */
function placedByPairs(rows: Row[]): number[] {
  return rows.map((row) => {
    const others = rows.filter(({ click }) => click !== row.click)
    if (others.length === 0) return 0.5
    const won = others.map(({ logit }) => {
      const ahead = row.click === 1 ? row.logit - logit : logit - row.logit
      return ahead > 0 ? 1 : ahead === 0 ? 0.5 : 0
    })
    return won.reduce((sum: number, one) => sum + one, 0) / others.length
  })
}

describe('placements among the rows of the other class', () => {
  test('any float32 logits, ties and zeros of both signs among them: as every pair says', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 40, size: 'max' }), (rows) => {
        const [found, wanted] = [placed(rows), placedByPairs(rows)]
        for (const [i, place] of wanted.entries())
          assert.ok(Math.abs(found[i] - place) < 1e-12, `row ${i}: ${found[i]}, not ${place}`)
      }),
    )
  })

  test('their mean over the clicks, and over the others, is the AUC', () => {
    const random = new Random(5)
    const rows = Array.from({ length: 65_536 }, () => {
      const click = random.float() < 0.2 ? 1 : 0
      return { logit: Math.fround(click + 2 * random.normal()), click }
    })
    const found = placed(rows)
    const metrics = new ClickMetrics({ users: 0 })
    metrics.add(
      Float32Array.from(rows, ({ logit }) => logit),
      Uint8Array.from(rows, ({ click }) => click),
      new Uint32Array(0),
      rows.length,
    )
    const { auc } = metrics.result()
    for (const click of [0, 1]) {
      const own = found.filter((_, i) => rows[i].click === click)
      const mean = own.reduce((sum, place) => sum + place, 0) / own.length
      assert.ok(Math.abs(mean - auc!) < 1e-5, `${mean}, not ${auc}`)
    }
  })
})
