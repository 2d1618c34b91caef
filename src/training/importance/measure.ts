import { BLOCK_ROWS_MAX, rowBytes } from '../../dataset/clicks/rowLayout.ts'
import { ClickMetrics } from '../../metrics/clickMetrics.ts'
import type { ModelDescription } from '../../model/modelFile.ts'
import type { Arena } from '../memory/arena.ts'
import type { TestRows } from '../onTestRows.ts'
import { WINDOW_BLOCKS } from '../rows/rowStream.ts'
import { drawRows } from './drawRows.ts'
import { ImportanceSums, type Worsening } from './importanceSums.ts'
import { type FeatureGroup, mixesOf } from './mixes.ts'
import { mixedBlockRows, scoreMixed } from './scoreMixed.ts'

/** How much worse the model is if a feature, or all of a group, comes from another row. */
export interface Importance extends Worsening {
  name: string // `user.age`; of a group its own
  group: FeatureGroup
}

export interface MeasuredImportance {
  rows: number // test clicks that were used
  testRows: number // of so many
  repeats: number // donors of each
  seed: number
  logLoss: number // of the rows as they are
  auc: number | null // the same; null: all are clicks, or none is
  groups: Importance[] // by the increase of the log loss, largest first
  features: Importance[] // the same
}

interface MeasureOptions {
  rows: number // at most, about
  seed: number
  signal: AbortSignal | undefined
  onProgress: (rowsDone: number, rowsTotal: number) => void
}

/** Mixes of one pass over the rows: what they take of memory is bounded, whatever the number of features. */
const MIXES_MAX = 32

/** The importance of every feature and group of the model. @throws NearrankError NOT_FINITE */
export async function measureImportance(
  { lead, pack, description }: TestRows,
  { rows: rowsMax, seed, signal, onProgress }: MeasureOptions,
): Promise<MeasuredImportance> {
  const { groups, features } = mixesOf(description)
  const mixes = [...groups, ...features]
  const passes = Math.ceil(mixes.length / MIXES_MAX)
  const drawn = drawRows(pack, { rows: rowsMax, seed })
  const { rows, repeats } = drawn
  const blockRows = mixedBlockRows(lead, drawn)
  const metrics = new ClickMetrics({ users: 0 })
  const found: Importance[] = []
  let done = 0
  await lead.run({ type: 'fold' })
  for (let pass = 0; pass < passes; pass++) {
    const some = mixes.slice(pass * MIXES_MAX, (pass + 1) * MIXES_MAX)
    const names = some.map(({ name }) => name)
    const sums = new ImportanceSums(names, { blockRows, repeats })
    const inputs = some.map((mix) => mix.inputs)
    await scoreMixed(lead, pack, { drawn, inputs }, (scores) => {
      signal?.throwIfAborted()
      const { columns, repeat } = scores
      if (pass === 0 && repeat === 0)
        metrics.add(scores.logitsOf(0), columns.clicks, columns.users, scores.rows)
      sums.add(scores)
      done += scores.rows
      onProgress(done, rows * repeats * passes)
    })
    for (const [i, worsening] of sums.result().entries()) {
      const { name, group } = some[i]
      found.push({ name, group, ...worsening })
    }
  }
  const { logLoss, auc } = metrics.result()
  return {
    rows,
    testRows: pack.rows,
    repeats,
    seed,
    logLoss,
    auc,
    groups: byImportance(found.slice(0, groups.length)),
    features: byImportance(found.slice(groups.length)),
  }
}

/** Logits of a row in one pass. */
export function mixedLogits(description: ModelDescription): number {
  const { groups, features } = mixesOf(description)
  return 1 + Math.min(groups.length + features.length, MIXES_MAX)
}

/** What measuring takes beside the shared memory: sums, and the rows of two streams instead of one. */
export function measureBytes({ shape: { logits = 1 }, ring }: Arena): number {
  const streamRows = 2 * (WINDOW_BLOCKS + 2) * BLOCK_ROWS_MAX + ring.chunkRows
  return ImportanceSums.bytes(logits - 1, ring.chunkRows) + streamRows * rowBytes(ring.plan)
}

function byImportance(all: Importance[]): Importance[] {
  return all.toSorted((a, b) => b.logLossIncrease - a.logLossIncrease)
}
