import type { ClickRows } from '../../dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { NearrankError } from '../../errors.ts'
import { numbersOf, widthOf } from '../../features/rowShape.ts'
import type { CalibrationBin } from '../../metrics/calibrationCurve.ts'
import { GroupOrders } from '../../metrics/groupOrders.ts'
import type { EvaluationMetrics } from '../../metrics/clickMetrics.ts'
import type { ScoreCurves } from '../../metrics/scoreCurves.ts'
import type { OrderMeasure } from '../../metrics/orderMeasures.ts'
import type { OrderJudgement, OrderSums, Ranking } from '../../metrics/orderSums.ts'
import { UserOrders } from '../../metrics/userOrders.ts'

/** Rows of which the users are judged; if there are more, some of the users are. */
const USER_ROWS_MAX = 2 ** 21

/** Baselines, beside the model, that the rows of a group are ordered by. */
export interface Baselines {
  popularity: Float32Array | null // [restaurants]: their click rates; null: there are no training clicks
}

export interface JudgeOptions {
  baselines: Baselines | null // null: only the model
  byUser: boolean // judges the rows of each user, too
  withLoss?: boolean // sums the log loss by group or user, @default false
}

/** How good the order is by group (null: the rows are in none) and by user (null: not measured). */
export interface Orders {
  byGroup: OrderJudgement | null
  byUser: OrderJudgement | null
}

/** How good scores are beside the metrics of all rows. */
export interface Judged extends Orders {
  calibration: CalibrationBin[] // tenths of the rows, by rising prediction
  curves: ScoreCurves
}

const GROUP_KEYS = {
  groupNdcg5: 'ndcg5',
  groupNdcg10: 'ndcg10',
  groupMrr: 'mrr',
  groupMap10: 'map10',
  groupHitRate1: 'hitRate1',
  groupHitRate5: 'hitRate5',
  groupHitRate10: 'hitRate10',
  groupGauc: 'gauc',
} as const satisfies Partial<Record<keyof EvaluationMetrics, OrderMeasure>>

/** Judges the order of scored rows, and that of baselines, in constant memory. */
export class Judge {
  readonly #popularity: Float32Array | null
  readonly #distance: DistanceColumn | null
  readonly #groups: GroupOrders | null
  readonly #users: UserOrders | null
  readonly #withLoss: boolean
  #buffers: Float32Array[] = [] // of the scores of baselines

  constructor(pack: PackedRows, { baselines, byUser, withLoss = false }: JudgeOptions) {
    this.#withLoss = withLoss
    this.#popularity = baselines?.popularity ?? null
    this.#distance = baselines && distanceColumn(pack)
    const scored = scoredRankings(pack, baselines)
    this.#groups = pack.groups
      ? new GroupOrders(scored, baselines ? ['logged', 'random'] : [], { withLoss })
      : null
    this.#users = byUser ? new UserOrders(scored, { rows: Math.min(pack.rows, USER_ROWS_MAX) }) : null
  }

  /** What judging by user and by group takes of memory at most. */
  static bytesMax(users: number): number {
    return SUMS_BYTES + UserOrders.bytes(SCORED_MAX, { rows: USER_ROWS_MAX, users })
  }

  /** Adds the first `count` rows. */
  add(logits: Float32Array, rows: ClickRows, count: number): void {
    if (!this.#groups && !this.#users) return
    const scores = this.#scores(logits, rows, count)
    const { clicks } = rows
    this.#groups?.add({ scores, clicks, count }, rows.groups as Uint32Array)
    this.#users?.add({ scores, clicks, count }, rows.users)
  }

  /** The means over groups of the model, without intervals. */
  groupMetrics(): Partial<EvaluationMetrics> {
    if (!this.#groups) return {}
    this.#groups.end()
    const means = this.#groups.sums.means('model')
    return Object.fromEntries(Object.entries(GROUP_KEYS).map(([key, measure]) => [key, means[measure]]))
  }

  /** Everything, with intervals. */
  orders(): Orders {
    this.#groups?.end()
    return {
      byGroup: this.#groups?.sums.judgement() ?? null,
      byUser: this.#users?.judgement() ?? null,
    }
  }

  /** The sums by group, or else by user, with the share of users that they are made of. */
  sums(): { by: 'group' | 'user'; sums: OrderSums; share: number } {
    this.#groups?.end()
    if (this.#groups) return { by: 'group', sums: this.#groups.sums, share: 1 }
    if (!this.#users) throw new NearrankError('INTERNAL', 'neither groups nor users were judged')
    return {
      by: 'user',
      sums: this.#users.sums({ withLoss: this.#withLoss }),
      share: this.#users.share,
    }
  }

  /** Of each scored ranking, in the order of `scoredRankings`. */
  #scores(logits: Float32Array, rows: ClickRows, count: number): Float32Array[] {
    if ((this.#buffers[0]?.length ?? 0) < count)
      this.#buffers = Array.from({ length: 2 }, () => new Float32Array(count))
    const [popular, near] = this.#buffers
    const scores = [logits]
    if (this.#popularity) {
      ratesInto(popular, this.#popularity, rows.restaurants, count)
      scores.push(popular)
    }
    if (this.#distance) {
      nearnessInto(near, rows.context as Uint32Array, this.#distance, count)
      scores.push(near)
    }
    return scores
  }
}

const SUMS_BYTES = 4 * 2 ** 20 // buckets and replicates of all rankings
const SCORED_MAX = 3 // model, popularity, nearest

function scoredRankings(pack: Pick<PackedRows, 'context'>, baselines: Baselines | null): Ranking[] {
  const rankings: Ranking[] = ['model']
  if (baselines?.popularity) rankings.push('popularity')
  if (baselines && distanceColumn(pack)) rankings.push('nearest')
  return rankings
}

/** Where the words of a row tell the distance between user and restaurant. */
interface DistanceColumn {
  width: number // words of a row
  number: number // log(1 + metres); the one behind it is 1 if that is not known
}

function distanceColumn({ context }: Pick<PackedRows, 'context'>): DistanceColumn | null {
  const features = [...(context?.features ?? []), ...(context?.pairs ?? [])]
  const place = features.findIndex(({ kind }) => kind === 'distance')
  if (place < 0) return null
  const number = features.slice(0, place).reduce((sum, feature) => sum + numbersOf(feature), 0)
  return { width: widthOf(features), number }
}

function ratesInto(to: Float32Array, rates: Float32Array, restaurants: Uint32Array, count: number): void {
  for (let row = 0; row < count; row++) to[row] = rates[restaurants[row]]
}

function nearnessInto(
  to: Float32Array,
  context: Uint32Array,
  { width, number }: DistanceColumn,
  count: number,
): void {
  const numbers = new Float32Array(context.buffer, context.byteOffset, context.length)
  for (let row = 0, at = number; row < count; row++, at += width)
    to[row] = numbers[at + 1] === 0 ? -numbers[at] : Number.NEGATIVE_INFINITY
}
