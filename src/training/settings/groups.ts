import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import type { TrainOptions, TrainSettings } from '../types.ts'
import { learnsOrderAlone } from './trainSettings.ts'

/** @throws NearrankError USAGE if a loss of groups has none. */
export function checkLoss({ loss }: TrainSettings, { groupColumn }: TrainOptions): void {
  if (loss === 'logistic' || groupColumn !== undefined) return
  throw new NearrankError(
    'USAGE',
    `Cannot use loss ${loss} without groups: it learns the order of rows that were shown together. Name the column that tells which, such as --group-column request_id.`,
  )
}

/** @throws NearrankError INPUT if all rows are clicks, or none is. */
export function checkClasses({ rows, clicks }: Pick<PackedRows, 'rows' | 'clicks'>): void {
  if (clicks > 0 && clicks < rows) return
  const found = clicks === 0 ? 'none of them is a click' : 'each of them is a click'
  throw new NearrankError(
    'INPUT',
    `Cannot learn from the ${formatCount(rows)} training rows: ${found}, so there is nothing to tell apart; check the column of the clicks (--click-column), or what wrote it`,
  )
}

/** @throws NearrankError INPUT if a batch cannot hold the longest group, or none has an order to learn. */
export function checkGroups(
  { groups }: Pick<PackedRows, 'groups'>,
  { batchSize, loss }: TrainSettings,
): void {
  if (!groups) return
  if (groups.longest > batchSize)
    throw new NearrankError(
      'INPUT',
      `Cannot train with batches of ${batchSize} rows: a batch is made of whole groups, and the longest has ${groups.longest} rows; use --batch-size ${groups.longest} or more`,
    )
  if (learnsOrderAlone(loss) && groups.withoutOrder === groups.count)
    throw new NearrankError(
      'INPUT',
      `Cannot learn an order with loss ${loss}: each of the ${formatCount(groups.count)} groups has no click, or nothing else; check --group-column, or use --loss logistic`,
    )
}
