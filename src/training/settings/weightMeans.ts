import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { NearrankError } from '../../errors.ts'
import type { TrainSettings } from '../types.ts'

/** Below it, a float32 could not divide by the mean. */
const MEAN_MIN = 1e-30

/** By what the weights of rows are divided, so that they have the mean 1 over the training rows. */
export interface WeightMeans {
  rows: number // of all rows, for what each row is learned from by itself
  clicks: number // of the clicked ones, for what the order of a group is
}

/** Null: each row counts once. @throws NearrankError INPUT if no row counts anything. */
export function weightMeans(
  { weights, clicks }: Pick<PackedRows, 'weights' | 'clicks'>,
  { loss }: Pick<TrainSettings, 'loss'>,
): WeightMeans | null {
  if (!weights) return null
  const { mean, clickMean } = weights
  const wrong = (which: string) =>
    new NearrankError(
      'INPUT',
      `Cannot learn with loss ${loss} from ${which} of weight 0: check --weight-column and --propensity-column`,
    )
  if (mean < MEAN_MIN) throw wrong('rows that are all')
  if (loss !== 'logistic' && clicks > 0 && clickMean < MEAN_MIN) throw wrong('clicks that are all')
  return { rows: mean, clicks: clickMean }
}
