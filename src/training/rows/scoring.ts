import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { ClickMetrics, type EvaluationMetrics } from '../../metrics/clickMetrics.ts'
import type { ScoreCurves } from '../../metrics/scoreCurves.ts'
import { WeightedLogLoss } from '../../metrics/weightedLogLoss.ts'
import type { ClickRows } from '../../dataset/clicks/rowLayout.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import { Judge, type Judged, type JudgeOptions } from '../judgement/judge.ts'
import type { SliceColumn } from '../judgement/sliceColumns.ts'
import { type JudgedSlice, SliceJudge } from '../judgement/sliceJudge.ts'
import { RING_CHUNKS } from '../memory/arena.ts'
import { type RowOrder, RowStream } from './rowStream.ts'

export interface ScoringOptions {
  order?: RowOrder // default: all rows in file order
  ndcg: boolean // grouped by user, which takes NDCG_USER_BYTES for each
  judge: JudgeOptions | null // null: of the order only the means by group
  slices?: readonly SliceColumn[]
  weights?: boolean // the rows come with weights, for the log loss alone, @default false
  onProgress?: (rowsDone: number, rowsTotal: number) => void
  signal?: AbortSignal | undefined
}

/** How good scores are. */
export interface Judgement {
  metrics: EvaluationMetrics
  judged: Judged
  slices: JudgedSlice[]
  weightedLoss: number | null // log loss by the weights of the rows; null: they have none
}

/** Rows that have been scored: the first `rows` of each column. */
type ScoredRows = (logits: Float32Array, rows: ClickRows, count: number) => void

/** Drawing them takes 20 ms, which validation can do without. */
const NO_CURVES: ScoreCurves = { roc: [], distribution: null }
const ALL_ROWS: RowOrder = { shuffle: false, seed: 0, epoch: 1, validation: 0, select: 'all' }

/** Scores the rows of a pack for `judges`, by the weights and features in the shared memory. */
export async function judgePack(
  lead: CrewLead,
  pack: PackedRows,
  judges: readonly Pick<Judge, 'add'>[],
  options: Pick<ScoringOptions, 'onProgress' | 'signal'>,
): Promise<void> {
  let done = 0
  await lead.run({ type: 'fold' })
  await scoreRows(lead, new RowStream(pack, ALL_ROWS), (logits, rows, count) => {
    options.signal?.throwIfAborted()
    for (const judge of judges) judge.add(logits, rows, count)
    done += count
    options.onProgress?.(done, pack.rows)
  })
}

/** Metrics of the network whose parameters and features are in the shared memory, over the rows of a pack. */
export async function scorePack(
  lead: CrewLead,
  pack: PackedRows,
  options: ScoringOptions,
): Promise<Judgement> {
  const metrics = new ClickMetrics({ users: options.ndcg ? lead.arena.tables.users.rows : 0 })
  const judge = new Judge(pack, options.judge ?? { baselines: null, byUser: false })
  const { chunkRows } = lead.arena.ring
  const hasGroups = pack.groups !== undefined
  const slices = (options.slices ?? []).map((column) => new SliceJudge(column, { chunkRows, hasGroups }))
  const stream = new RowStream(pack, options.order ?? ALL_ROWS)
  const weighted = options.weights ? new WeightedLogLoss() : null
  let done = 0
  await lead.run({ type: 'fold' })
  await scoreRows(lead, stream, (logits, rows, count) => {
    options.signal?.throwIfAborted()
    weighted?.add(logits, rows.clicks, rows.weights as Float32Array, count)
    metrics.add(logits, rows.clicks, rows.users, count)
    judge.add(logits, rows, count)
    for (const slice of slices) slice.add(logits, rows, count)
    done += count
    options.onProgress?.(done, pack.rows)
  })
  return {
    weightedLoss: weighted?.mean() ?? null,
    slices: slices.flatMap((slice) => slice.result()),
    metrics: { ...metrics.result(), ...judge.groupMetrics() },
    judged: {
      calibration: metrics.calibration(),
      curves: options.judge ? metrics.curves() : NO_CURVES,
      ...(options.judge ? judge.orders() : { byGroup: null, byUser: null }),
    },
  }
}

/** Scores the stream's rows on all threads and hands them on in their order. The network is folded. */
export async function scoreRows(
  lead: CrewLead,
  stream: Pick<RowStream, 'nextInto'>,
  consume: ScoredRows,
): Promise<void> {
  await lead.run({ type: 'score' }, async () => {
    const sizes: number[] = []
    let consumed = 0
    const consumeNext = async () => {
      await lead.awaitDone(consumed + 1)
      const { logits, rows } = lead.chunk(consumed)
      consume(logits, rows, sizes[consumed])
      consumed++
    }
    for (;;) {
      const chunk = sizes.length
      if (chunk - consumed === RING_CHUNKS) await consumeNext()
      const rows = await stream.nextInto(lead.chunk(chunk).rows)
      if (rows === 0) break
      sizes.push(rows)
      lead.publish(chunk, rows)
    }
    while (consumed < sizes.length) await consumeNext()
    lead.publish(sizes.length, -1)
  })
}
