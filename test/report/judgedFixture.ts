import type { Judged } from '../../src/training/judgement/judge.ts'
import { ClickMetrics } from '../../src/metrics/clickMetrics.ts'
import { GroupOrders } from '../../src/metrics/groupOrders.ts'
import { Random } from '../../src/random.ts'

/** 3,000 rows in 300 groups, whose clicks follow the model's scores. */
export function judgedRows() {
  const rows = 3000
  const random = new Random(9)
  const logits = Float32Array.from({ length: rows }, () => 1.5 * random.normal() - 1)
  const clicks = Uint8Array.from(logits, (logit) => (random.float() < 1 / (1 + Math.exp(-logit)) ? 1 : 0))
  const popular = Float32Array.from(logits, (logit) => logit + 3 * random.normal())
  const metrics = new ClickMetrics({ users: 0 })
  metrics.add(logits, clicks, new Uint32Array(0), rows)
  const orders = new GroupOrders(['model', 'popularity'], ['logged', 'random'])
  const groups = Uint32Array.from({ length: rows }, (_, row) => Math.floor(row / 10))
  orders.add({ scores: [logits, popular], clicks, count: rows }, groups)
  orders.end()
  const judged: Judged = {
    calibration: metrics.calibration(),
    curves: metrics.curves(),
    byGroup: orders.sums.judgement(),
    byUser: null,
  }
  return { test: metrics.result(), judged }
}
