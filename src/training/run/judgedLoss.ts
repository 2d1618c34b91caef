import { learnsOrderAlone } from '../settings/trainSettings.ts'
import type { EpochReport, TrainSettings } from '../types.ts'

/**
 * What the best epoch has least of, on the validation rows: the log loss, or 1 − NDCG@10. Losses of the order
 * alone say nothing of probabilities, unless there is nothing else to judge by, since no group that is held
 * out has a click. NaN: the epoch has not been validated.
 */
export function judgedLoss(
  { loss }: Pick<TrainSettings, 'loss'>,
  { validationLoss = Number.NaN, validationNdcg10 }: EpochReport,
): number {
  const judgesOrder = learnsOrderAlone(loss) && validationNdcg10 !== undefined
  return judgesOrder ? 1 - validationNdcg10 : validationLoss
}
