import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClusteredSums, groupsInto } from '../../src/metrics/clusteredSums.ts'
import { Random } from '../../src/random.ts'

interface Sample {
  values: Float64Array
  clicks: Uint8Array
  users: Uint32Array
  restaurants: Uint32Array
}

/** Rows of some users and restaurants, each of which shifts the values of its rows. */
function drawSample(random: Random, { shift, rows }: { shift: number; rows: number }): Sample {
  const [userCount, restaurantCount] = [300, 150]
  const userShifts = Array.from({ length: userCount }, () => shift * random.normal())
  const restaurantShifts = Array.from({ length: restaurantCount }, () => shift * random.normal())
  const users = Uint32Array.from({ length: rows }, () => random.below(userCount))
  const restaurants = Uint32Array.from({ length: rows }, () => random.below(restaurantCount))
  return {
    users,
    restaurants,
    clicks: Uint8Array.from({ length: rows }, () => (random.float() < 0.3 ? 1 : 0)),
    values: Float64Array.from(
      users,
      (user, i) => userShifts[user] + restaurantShifts[restaurants[i]] + random.normal(),
    ),
  }
}

function summed({ values, clicks, users, restaurants }: Sample) {
  const rows = values.length
  const grouped = { clicks, users: new Uint16Array(rows), restaurants: new Uint16Array(rows), rows }
  groupsInto(grouped.users, users, rows)
  groupsInto(grouped.restaurants, restaurants, rows)
  const [sums, counts] = [new ClusteredSums(), new ClusteredSums()]
  sums.add(values, 0, grouped)
  counts.add(new Float64Array(rows).fill(1), 0, grouped)
  return { sums, counts }
}

/** The mean over all rows, and its standard error. */
function meanOf(sample: Sample): { mean: number; error: number } {
  const { sums, counts } = summed(sample)
  const rows = sample.values.length
  const mean = (sums.sum(0) + sums.sum(1)) / rows
  const even = { weights: [1 / rows, 1 / rows], means: [mean, mean] } as const
  return { mean, error: sums.standardError(even, counts) }
}

const deviation = (values: number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

describe('standard error of a mean over users and restaurants', () => {
  for (const shift of [0, 0.3])
    test(`is how far means of samples lie apart, if rows are ${shift === 0 ? 'independent' : 'alike'}`, () => {
      const random = new Random(2)
      const found = Array.from({ length: 400 }, () => meanOf(drawSample(random, { shift, rows: 2000 })))
      const spread = deviation(found.map(({ mean }) => mean))
      const told = found.reduce((sum, { error }) => sum + error, 0) / found.length
      assert.ok(told > 0.9 * spread && told < 1.2 * spread, `${told} told, ${spread} found`)
      const alone = Math.sqrt((1 + 2 * shift ** 2) / 2000)
      if (shift > 0) assert.ok(told > 1.4 * alone, `${told} is above that of independent rows, ${alone}`)
    })

  test('of a sum of both classes by their own weights, too', () => {
    const random = new Random(3)
    const found = Array.from({ length: 300 }, () => {
      const sample = drawSample(random, { shift: 0.2, rows: 1500 })
      const { sums, counts } = summed(sample)
      const classes = [counts.sum(0), counts.sum(1)] as const
      const means = [sums.sum(0) / classes[0], sums.sum(1) / classes[1]] as const
      const error = sums.standardError({ weights: [1 / classes[0], 1 / classes[1]], means }, counts)
      return { mean: means[0] + means[1], error }
    })
    const spread = deviation(found.map(({ mean }) => mean))
    const told = found.reduce((sum, { error }) => sum + error, 0) / found.length
    assert.ok(told > 0.9 * spread && told < 1.2 * spread, `${told} told, ${spread} found`)
  })

  test('of rows of one user and one restaurant it is that of independent rows', () => {
    const values = Float64Array.of(1, 2, 4, 9)
    const { mean, error } = meanOf({
      values,
      clicks: Uint8Array.of(0, 1, 1, 0),
      users: new Uint32Array(4),
      restaurants: new Uint32Array(4),
    })
    assert.equal(mean, 4)
    assert.ok(Math.abs(error - deviation([...values]) / 2) < 1e-12, `${error}`)
  })
})
