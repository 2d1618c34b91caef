import type { PackedRows } from '../../dataset/clicks/packedRows.ts'
import { ClickMetrics, type EvaluationMetrics } from '../../metrics/clickMetrics.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import { scoreRows } from './feed.ts'
import { type RowOrder, RowStream } from './rowStream.ts'

export interface ScoringOptions {
  order?: RowOrder // default: all rows in file order
  ndcg: boolean // grouped by user, which takes 48 bytes for each
  onProgress?: (rowsDone: number, rowsTotal: number) => void
  signal?: AbortSignal | undefined
}

const ALL_ROWS: RowOrder = { shuffle: false, seed: 0, epoch: 1, validation: 0, select: 'all' }

/** Metrics of the network whose parameters and features are in the shared memory, over the rows of a pack. */
export async function scorePack(
  lead: CrewLead,
  pack: PackedRows,
  options: ScoringOptions,
): Promise<EvaluationMetrics> {
  const metrics = new ClickMetrics({ users: options.ndcg ? lead.arena.users.rows : 0 })
  const stream = new RowStream(pack, options.order ?? ALL_ROWS)
  let done = 0
  await lead.run({ type: 'fold' })
  await scoreRows(lead, stream, (logits, clicks, users, rows) => {
    options.signal?.throwIfAborted()
    metrics.add(logits, clicks, users, rows)
    done += rows
    options.onProgress?.(done, pack.rows)
  })
  return metrics.result()
}
