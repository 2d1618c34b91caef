import { formatCount, formatPercent, formatShare } from '../../../format.ts'
import type { CalibrationBin } from '../../../metrics/calibrationCurve.ts'
import type { EvaluationMetrics } from '../../../metrics/clickMetrics.ts'
import { chanceAuc } from '../../../metrics/chanceAuc.ts'
import type { OrderJudgement } from '../../../metrics/orderSums.ts'
import { wilsonInterval } from '../../../metrics/wilson.ts'
import type { Verdict } from '../../../report/verdict.ts'
import { isOfFew, leadText } from '../judgementTables.ts'

// What counts as good is a matter of the data; these bounds are the customary ones for clicks.
const AUC_BOUNDS = { chance: 0.52, weak: 0.6, modest: 0.7, strong: 0.8, suspicious: 0.97 }
const ENTROPY_BOUNDS = { good: 0.9, fair: 0.99 }
const CALIBRATION_BOUNDS = { good: 0.01, fair: 0.03 }
const CALIBRATION_SHARES = { good: 0.1, fair: 0.3 } // of the click rate, if that is less: clicks may be rare
const WITHIN_SHARE = 0.9 // of 95 % intervals
const GAIN_CLEAR = 0.02 // of the accuracy
const TOO_FEW = 'too few rows to tell'
const POSSIBLE_BOUNDS = { good: 0.5, fair: 0.2 }

/** Of the area under the ROC curve. */
export function aucVerdict({
  auc,
  rows,
  clickRate,
}: Pick<EvaluationMetrics, 'auc' | 'rows' | 'clickRate'>): Verdict {
  if (auc === null)
    return { grade: 'plain', word: 'not defined', text: 'All test rows are clicks, or none is.' }
  const text = `Of a click and another row, drawn at random, the click has the higher score in ${formatPercent(auc)} of the draws; 50 % is chance.`
  const { chance, weak, modest, strong, suspicious } = AUC_BOUNDS
  const { low, high } = chanceAuc(rows, clickRate)
  if (auc >= low && auc <= high && (auc >= chance || high >= weak))
    return tooFew(`${text} Of so few rows, guessing alone gives up to ${formatPercent(high)}.`)
  if (auc <= high) return { grade: 'poor', word: 'no better than chance', text }
  if (auc < weak) return { grade: 'poor', word: 'weak', text }
  if (auc < modest) return { grade: 'fair', word: 'modest', text }
  if (auc < strong) return { grade: 'good', word: 'useful', text }
  if (auc < suspicious) return { grade: 'good', word: 'strong', text }
  return {
    grade: 'fair',
    word: 'suspiciously high',
    text: `${text} That is rare for clicks: look for a feature that gives the label away.`,
  }
}

/** Of a number that guessing may have given as well. */
function tooFew(text: string): Verdict {
  return { grade: 'plain', word: TOO_FEW, text }
}

/** Of the log loss, beside that of the click rate alone. It has no interval: that of the AUC is taken. */
export function logLossVerdict(metrics: EvaluationMetrics): Verdict {
  const { normalizedEntropy } = metrics
  if (normalizedEntropy === null)
    return { grade: 'plain', word: 'nothing to compare', text: 'All test rows are clicks, or none is.' }
  if (normalizedEntropy >= 1)
    return {
      grade: 'poor',
      word: 'says nothing',
      text: `${formatPercent(normalizedEntropy - 1)} higher than if the click rate were predicted for every row.`,
    }
  const text = `${formatPercent(1 - normalizedEntropy)} lower than if the click rate were predicted for every row.`
  if (aucVerdict(metrics).word === TOO_FEW) return tooFew(`${text} The AUC may be that of guessing.`)
  if (normalizedEntropy < ENTROPY_BOUNDS.good) return { grade: 'good', word: 'informative', text }
  return normalizedEntropy < ENTROPY_BOUNDS.fair
    ? { grade: 'fair', word: 'modest', text }
    : { grade: 'poor', word: 'hardly informative', text }
}

/** Of the accuracy, beside that of the majority class and the best possible. */
export function accuracyVerdict(
  { accuracy, majorityAccuracy, rows }: EvaluationMetrics,
  bayesAccuracy: number | null,
): Verdict {
  const gain = accuracy - majorityAccuracy
  const simple = `Always saying the more frequent answer is right in ${formatPercent(majorityAccuracy)}`
  const { low, high } = wilsonInterval(accuracy * rows, rows)
  const isWithin = low <= majorityAccuracy && majorityAccuracy <= high
  if (isWithin && high - majorityAccuracy > GAIN_CLEAR)
    return tooFew(
      `${simple} of the rows, which the 95 % interval of the accuracy holds: ${formatPercent(low)} to ${formatPercent(high)}.`,
    )
  if (gain <= 0)
    return {
      grade: 'poor',
      word: 'no gain',
      text: `${simple}. With rare clicks, the accuracy says little: judge by AUC and log loss.`,
    }
  if (bayesAccuracy === null || bayesAccuracy <= majorityAccuracy)
    return gain > GAIN_CLEAR
      ? { grade: 'good', word: 'better than guessing', text: `${simple} of the rows.` }
      : {
          grade: 'fair',
          word: isWithin ? 'hardly better than guessing' : 'a little better than guessing',
          text: `${simple} of the rows.`,
        }
  const share = gain / (bayesAccuracy - majorityAccuracy)
  const text = `${simple}, the best possible in ${formatPercent(bayesAccuracy)}. The model gets ${formatPercent(share)} of the way there.`
  if (share >= 0.9) return { grade: 'good', word: 'near the best possible', text }
  return share >= 0.5
    ? { grade: 'fair', word: 'more than half the way', text }
    : { grade: 'poor', word: 'far from the best possible', text }
}

/** Whether a predicted probability is what comes. */
export function calibrationVerdict(bins: readonly CalibrationBin[], error: number): Verdict {
  if (bins.length === 0) return { grade: 'plain', word: 'no rows', text: '' }
  const within = bins.filter(({ prediction, low, high }) => low <= prediction && prediction <= high).length
  const gap = ({ prediction, clickRate }: CalibrationBin) => Math.abs(prediction - clickRate)
  const widest = bins.reduce((most, bin, i) => (gap(bin) > gap(bins[most]) ? i : most), 0)
  const { prediction, clickRate } = bins[widest]
  const side = prediction > clickRate ? 'too high' : 'too low'
  const text =
    `On average, predictions are off by ${Number((100 * error).toPrecision(2))} percentage points. ${within} of ${bins.length} tenths have the prediction within the interval of the click rate. ` +
    `Widest gap: tenth ${widest + 1}, ${formatShare(prediction)} predicted, ${formatShare(clickRate)} clicked, ${side}.`
  const most = Math.ceil(WITHIN_SHARE * bins.length)
  if (within >= most && areTooWide(bins, most))
    return tooFew(
      `${text} Nearly every interval also holds the click rate of all rows, so predicting that alone would look as good.`,
    )
  const { rate } = totalsOf(bins)
  const bound = (of: 'good' | 'fair') => Math.min(CALIBRATION_BOUNDS[of], CALIBRATION_SHARES[of] * rate)
  if (within >= most || error <= bound('good')) return { grade: 'good', word: 'close', text }
  return error <= bound('fair')
    ? { grade: 'fair', word: 'slightly off', text }
    : { grade: 'poor', word: 'off', text }
}

/** Whether `most` intervals hold the overall click rate, and are wide: tenths may also be alike. */
function areTooWide(bins: readonly CalibrationBin[], most: number): boolean {
  const { rate } = totalsOf(bins)
  const half = bins.reduce((sum, { low, high }) => sum + (high - low) / 2, 0) / bins.length
  const holding = bins.filter(({ low, high }) => low <= rate && rate <= high).length
  return holding >= most && half > Math.min(CALIBRATION_BOUNDS.fair, rate / 2)
}

function totalsOf(bins: readonly CalibrationBin[]): { rows: number; clicks: number; rate: number } {
  const rows = bins.reduce((sum, bin) => sum + bin.rows, 0)
  const clicks = bins.reduce((sum, bin) => sum + bin.rows * bin.clickRate, 0)
  return { rows, clicks, rate: clicks / rows }
}

/** What the highest predictions hold of the clicks. */
export function gainVerdict(bins: readonly CalibrationBin[]): Verdict {
  const { rows, clicks, rate } = totalsOf(bins)
  const top = bins.at(-1)
  if (!top || clicks === 0)
    return { grade: 'plain', word: 'no clicks', text: 'There is no click among the test rows.' }
  const lift = top.clickRate / rate
  const possible = Math.min(rows / clicks, rows / top.rows)
  const shareOf = (times: number) => (possible > 1 ? (times - 1) / (possible - 1) : 0)
  const share = shareOf(lift)
  const text = `The ${formatPercent(top.rows / rows)} of the rows with the highest predictions hold ${formatPercent((top.rows * top.clickRate) / clicks)} of the clicks: ${lift.toFixed(2)} times their share, of ${possible.toFixed(2)} times that are possible.`
  if (top.low <= rate && rate <= top.high && shareOf(top.high / rate) >= POSSIBLE_BOUNDS.fair)
    return tooFew(
      `${text} The click rate of all rows, ${formatShare(rate)}, lies within the interval of theirs: ${formatShare(top.low)} to ${formatShare(top.high)}.`,
    )
  if (share >= POSSIBLE_BOUNDS.good) return { grade: 'good', word: 'clicks come first', text }
  return share >= POSSIBLE_BOUNDS.fair
    ? { grade: 'fair', word: 'some clicks come first', text }
    : { grade: 'poor', word: 'little gain', text }
}

/** Whether the model's order is better than every simple one. */
export function orderVerdict(judgement: OrderJudgement): Verdict {
  const { lead } = judgement
  const text = leadText(judgement)
  if (!lead || text === undefined)
    return { grade: 'plain', word: 'nothing to compare', text: 'No group with a click was judged.' }
  if (isOfFew(judgement)) return tooFew(text)
  if (lead.low > 0) return { grade: 'good', word: 'better than every simple order', text }
  if (lead.high < 0) return { grade: 'poor', word: 'no better than a simple order', text }
  return { grade: 'fair', word: lead.value > 0 ? 'not clearly better' : 'not clearly worse', text }
}

/** `1 constraint`, `8 constraints` */
export function constraintsText(count: number): string {
  return `${formatCount(count)} constraint${count === 1 ? '' : 's'}`
}
