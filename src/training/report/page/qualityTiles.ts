import type { CalibrationBin } from '../../../metrics/calibrationCurve.ts'
import type { EvaluationMetrics } from '../../../metrics/clickMetrics.ts'
import type { OrderJudgement } from '../../../metrics/orderSums.ts'
import type { Tile } from '../../../report/page.ts'
import type { Ceiling } from '../reportTables.ts'
import { accuracyVerdict, aucVerdict, calibrationVerdict, logLossVerdict, orderVerdict } from './verdicts.ts'

/** How good scores are, in a few figures. */
export function qualityTiles(
  test: EvaluationMetrics,
  how: {
    judgement: OrderJudgement | null
    bins: readonly CalibrationBin[]
    ceiling: Ceiling
    ordersOnly: boolean
  },
): Tile[] {
  const { judgement, bins, ceiling, ordersOnly } = how
  const shown = (value: number | null | undefined) => value?.toFixed(4) ?? '–'
  const ndcg10 = judgement?.rankings.model?.ndcg10
  const order: Tile[] =
    judgement && ndcg10
      ? [{ name: 'NDCG@10', value: shown(ndcg10.value), verdict: orderVerdict(judgement) }]
      : []
  const auc: Tile = { name: 'AUC', value: shown(test.auc), verdict: aucVerdict(test) }
  if (ordersOnly) return [...order, auc]
  return [
    auc,
    ...order,
    { name: 'log loss', value: shown(test.logLoss), verdict: logLossVerdict(test) },
    { name: 'accuracy', value: shown(test.accuracy), verdict: accuracyVerdict(test, ceiling.bayesAccuracy) },
    {
      name: 'calibration error',
      value: shown(test.calibrationError),
      verdict: calibrationVerdict(bins, test.calibrationError),
    },
  ]
}
