import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chanceAuc } from '../../src/metrics/chanceAuc.ts'
import { Random } from '../../src/random.ts'

/** The share of pairs of a click and another row in which the click has the higher score. */
function naiveAuc(clicks: readonly number[], others: readonly number[]): number {
  const won = clicks.map((click) => others.filter((other) => other < click).length)
  return won.reduce((sum, one) => sum + one, 0) / (clicks.length * others.length)
}

test('95 % of the AUCs of random scores are within the interval', () => {
  const random = new Random(5)
  const scores = (count: number) => Array.from({ length: count }, () => random.float())
  const draws = 4000
  for (const [clicks, others] of [
    [30, 40],
    [8, 90],
  ]) {
    const { low, high } = chanceAuc(clicks + others, clicks / (clicks + others))
    let within = 0
    for (let draw = 0; draw < draws; draw++) {
      const auc = naiveAuc(scores(clicks), scores(others))
      if (auc >= low && auc <= high) within++
    }
    assert.ok(Math.abs(within / draws - 0.95) < 0.012, `${clicks} and ${others}: ${within / draws}`)
  }
  assert.deepEqual(chanceAuc(100, 0), { low: 0, high: 1 })
})
