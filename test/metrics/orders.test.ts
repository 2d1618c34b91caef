import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { GroupOrders } from '../../src/metrics/groupOrders.ts'
import { ORDER_MEASURES, type OrderMeasure } from '../../src/metrics/orderMeasures.ts'
import { type OrderJudgement, OrderSums, type Ranking } from '../../src/metrics/orderSums.ts'
import { UserOrders } from '../../src/metrics/userOrders.ts'
import { Random } from '../../src/random.ts'

interface GoldenGroup {
  scores: number[]
  clicks: number[]
  measures: (Record<Exclude<OrderMeasure, 'gauc'>, number> & { auc: number | null }) | null // null: no click
}

interface Golden {
  means: Record<OrderMeasure, number>
  groups: GoldenGroup[]
}

const golden = JSON.parse(
  readFileSync(new URL('./golden/orderMeasures.json', import.meta.url), 'utf8'),
) as Golden

/** The rows of groups, one group after the other; `random` puts rows of different groups among one another. */
function rowsOf(groups: Pick<GoldenGroup, 'scores' | 'clicks'>[], random?: Random) {
  const rows = groups.flatMap(({ scores, clicks }, group) =>
    scores.map((score, i) => ({ group, score, click: clicks[i], at: random?.float() ?? 0 })),
  )
  if (random) rows.sort((a, b) => a.at - b.at)
  return {
    scores: Float32Array.from(rows, ({ score }) => score),
    clicks: Uint8Array.from(rows, ({ click }) => click),
    units: Uint32Array.from(rows, ({ group }) => group),
    count: rows.length,
  }
}

function byGroup(groups: Pick<GoldenGroup, 'scores' | 'clicks'>[], piece = 7): GroupOrders {
  const { scores, clicks, units, count } = rowsOf(groups)
  const orders = new GroupOrders(['model'], ['logged', 'random'])
  for (let start = 0; start < count; start += piece) {
    const end = Math.min(start + piece, count)
    const part = { scores: [scores.subarray(start, end)], clicks: clicks.subarray(start, end) }
    orders.add({ ...part, count: end - start }, units.subarray(start, end))
  }
  orders.end()
  return orders
}

function values(judgement: OrderJudgement, ranking: Ranking = 'model') {
  return ORDER_MEASURES.map((measure) => judgement.rankings[ranking]?.[measure]?.value)
}

function assertClose(found: number | null | undefined, wanted: number, what: string): void {
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) < 1e-12, `${what}: ${found} against ${wanted}`)
}

describe('measures of order', () => {
  test('each group has the measures of scikit-learn, ties included', () => {
    for (const [i, group] of golden.groups.entries()) {
      const means = byGroup([group]).sums.means('model')
      for (const measure of ORDER_MEASURES) {
        const wanted = group.measures?.[measure === 'gauc' ? 'auc' : measure] ?? null
        if (wanted === null) assert.equal(means[measure], null)
        else assertClose(means[measure], wanted, `group ${i}, ${measure}`)
      }
    }
  })

  test('all groups together, in pieces of any size: the means, and GAUC by rows', () => {
    for (const piece of [1, 7, 100_000]) {
      const judgement = byGroup(golden.groups, piece).sums.judgement()
      for (const measure of ORDER_MEASURES)
        assertClose(judgement.rankings.model?.[measure]?.value, golden.means[measure], measure)
      assert.equal(judgement.units, golden.groups.length)
      const own = golden.groups.map(({ measures }) => measures)
      assert.equal(judgement.withoutClick, own.filter((one) => one === null).length)
      assert.equal(judgement.onlyClicks, own.filter((one) => one?.auc === null).length)
    }
  })

  test('by user, whose rows come in any order: the same', () => {
    const { scores, clicks, units, count } = rowsOf(golden.groups, new Random(5))
    const users = new UserOrders(['model'], { rows: count })
    users.add({ scores: [scores], clicks, count }, units)
    const judgement = users.judgement()
    for (const measure of ORDER_MEASURES)
      assertClose(judgement.rankings.model?.[measure]?.value, golden.means[measure], measure)
    assert.equal(judgement.share, 1)
  })

  test('the lead is the difference to the best other order, with the interval of the same draws', () => {
    const { sums } = byGroup(golden.groups)
    const { rankings, lead } = sums.judgement()
    const [own, logged, random] = (['model', 'logged', 'random'] as const).map(
      (one) => rankings[one]!.ndcg10!,
    )
    const best = logged.value >= random.value ? logged : random
    assert.equal(lead?.over, best === logged ? 'logged' : 'random')
    assertClose(lead?.value, own.value - best.value, 'lead')
    // Of its own draws: the mean over groups of the differences, group by group.
    const differences = sums.buckets
      .replicates()
      .map((totals) => {
        const [mine, theirs] = (['model', lead.over] as const).map((one) => sums.statistic(one)('ndcg10'))
        return mine(totals) - theirs(totals)
      })
      .toSorted((a, b) => a - b)
    assert.deepEqual([lead?.low, lead?.high], [differences[25], differences[974]])
    assert.equal(new OrderSums(['model']).judgement().lead, null)
  })

  test('as logged is a score that falls from row to row, random one that is the same for all', () => {
    const judgement = byGroup(golden.groups).sums.judgement()
    const scoredAs = (score: (row: number) => number) => {
      const scored = golden.groups.map(({ clicks }) => ({ clicks, scores: clicks.map((_, i) => score(i)) }))
      return values(byGroup(scored).sums.judgement())
    }
    assert.deepEqual(
      values(judgement, 'logged'),
      scoredAs((row) => 9 - row / 2),
    )
    assert.deepEqual(
      values(judgement, 'random'),
      scoredAs(() => -3),
    )
  })

  test('a group longer than the first buffers, and scores of every kind, as a stable sort orders them', () => {
    const random = new Random(8)
    const scores = Array.from({ length: 3000 }, () => Math.fround(random.normal() * 10 ** random.below(30)))
    scores.push(Number.NEGATIVE_INFINITY, 1e-44, -1e-44)
    const clicks = scores.map(() => (random.below(4) === 0 ? 1 : 0))
    const ranked = clicks
      .map((click, row) => ({ click, score: scores[row] }))
      .toSorted((a, b) => b.score - a.score)
    const first = ranked.findIndex(({ click }) => click === 1)
    const others = ranked.filter(({ click }) => click === 0).length
    let wins = 0
    for (const [rank, { click }] of ranked.entries())
      if (click === 1) wins += ranked.slice(rank).filter((row) => row.click === 0).length
    const means = byGroup([{ scores, clicks }], 1000).sums.means('model')
    assertClose(means.mrr, 1 / (first + 1), 'mrr')
    assertClose(means.gauc, wins / others / (ranked.length - others), 'gauc')
    const longer = byGroup([{ scores, clicks }], 1000).sums.means('logged')
    assertClose(longer.mrr, 1 / (clicks.indexOf(1) + 1), 'mrr as logged')
  })

  test('zero and minus zero are equal scores', () => {
    const means = byGroup([{ scores: [-0, 0], clicks: [1, 0] }]).sums.means('model')
    assert.equal(means.gauc, 0.5)
    assert.equal(means.hitRate1, 0.5)
  })
})

describe('intervals', () => {
  /** Groups of two rows of which the first is the click; it is on top in `share` of them. */
  function groupsOf(count: number, share: number, seed: number): Pick<GoldenGroup, 'scores' | 'clicks'>[] {
    const random = new Random(seed)
    return Array.from({ length: count }, () => ({
      scores: random.float() < share ? [1, 0] : [0, 1],
      clicks: [1, 0],
    }))
  }

  for (const count of [400, 6000])
    test(`of ${count} groups: as wide as the normal approximation says, and holding the true value 19 times of 20`, () => {
      const runs = 40
      let [holding, width] = [0, 0]
      for (let seed = 0; seed < runs; seed++) {
        const { gauc } = byGroup(groupsOf(count, 0.7, seed), 4096).sums.judgement().rankings.model ?? {}
        assert.ok(gauc && gauc.low <= gauc.value && gauc.value <= gauc.high)
        if (gauc.low <= 0.7 && 0.7 <= gauc.high) holding++
        width += (gauc.high - gauc.low) / runs
      }
      const wanted = 2 * 1.96 * Math.sqrt((0.7 * 0.3) / count)
      assert.ok(Math.abs(width / wanted - 1) < 0.05, `${width} against ${wanted}`)
      assert.ok(holding >= 34, `${holding} of ${runs}`)
    })

  test('the same rows give the same interval; one group has none but its value', () => {
    const groups = groupsOf(500, 0.6, 1)
    assert.deepEqual(byGroup(groups).sums.judgement(), byGroup(groups, 64).sums.judgement())
    const [one] = groups
    const { gauc } = byGroup([one]).sums.judgement().rankings.model ?? {}
    assert.deepEqual([gauc?.low, gauc?.high], [gauc?.value, gauc?.value])
  })

  test('no group has a click: no estimates; no rows at all: the same', () => {
    for (const groups of [[{ scores: [1, 2], clicks: [0, 0] }], []]) {
      const judgement = byGroup(groups).sums.judgement()
      assert.deepEqual(judgement.rankings.model, Object.fromEntries(ORDER_MEASURES.map((one) => [one, null])))
    }
  })
})

describe('users whose rows do not fit', () => {
  test('a part of the users is judged whole: all rows of each, told as their share', () => {
    const random = new Random(2)
    const users = 4000
    const groups = Array.from({ length: users }, () => {
      const clicks = Array.from({ length: 8 }, () => random.below(2))
      return { clicks, scores: clicks.map((click) => click + 2 * random.normal()) }
    })
    const { scores, clicks, units, count } = rowsOf(groups, random)
    const judged = (rows: number) => {
      const orders = new UserOrders(['model'], { rows })
      for (let start = 0; start < count; start += 1000)
        orders.add(
          {
            scores: [scores.subarray(start)],
            clicks: clicks.subarray(start),
            count: Math.min(1000, count - start),
          },
          units.subarray(start),
        )
      return orders.judgement()
    }
    const all = judged(count)
    const some = judged(10_000)
    assert.equal(all.units, users)
    assert.equal(some.share, 0.25)
    assert.ok(Math.abs(some.units - users / 4) < 120, `${some.units} users`)
    // Users whose rows were cut would have fewer: the share without a click, 1 of 256, would grow.
    assert.ok(some.withoutClick / some.units < 0.012)
    const [whole, part] = [all, some].map((one) => one.rankings.model?.gauc)
    assert.ok(whole && part && part.low <= whole.value && whole.value <= part.high)
  })
})
