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
