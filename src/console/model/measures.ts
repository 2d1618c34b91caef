import { formatCount } from '../../format.ts'
import type { EvaluationMetrics } from '../../metrics/clickMetrics.ts'

export interface Measure {
  name: string
  meaning: string
  better: 'higher' | 'lower' | null // null: it only describes the rows
  ofOrder: boolean // it means something of scores that only order, too
}

const measure = (
  name: string,
  meaning: string,
  better: Measure['better'] = 'higher',
  ofOrder = true,
): Measure => ({ name, meaning, better, ofOrder })

// A Record, so that a measure of the trainer that is not here fails the type check.
const BY_KEY: Readonly<Record<keyof EvaluationMetrics, Measure>> = {
  auc: measure('AUC', 'chance that a click scores above a row without one; 0.5 is guessing'),
  logLoss: measure('Log loss', 'surprise of a click or none, in nats', 'lower', false),
  normalizedEntropy: measure(
    'Normalised entropy',
    'log loss, of which 1 is that of the click rate alone',
    'lower',
    false,
  ),
  calibrationError: measure(
    'Calibration error',
    'how far predictions are from click rates, on average',
    'lower',
    false,
  ),
  accuracy: measure('Accuracy', 'share of rows guessed right, at a probability of 0.5', 'higher', false),
  majorityAccuracy: measure(
    'Accuracy of the majority',
    'of guessing the more frequent answer always',
    null,
    false,
  ),
  ndcg10: measure('NDCG@10 by user', 'clicks near the top of each user’s rows; 1 is perfect'),
  groupNdcg5: measure('NDCG@5 by request', 'clicks near the top of what was shown together'),
  groupNdcg10: measure('NDCG@10 by request', 'clicks near the top of what was shown together'),
  groupMrr: measure('MRR', '1 / place of the first click'),
  groupMap10: measure('MAP@10', 'precision at the place of each click'),
  groupHitRate1: measure('Hit rate @1', 'share of requests with a click in the first place'),
  groupHitRate5: measure('Hit rate @5', 'share of requests with a click in the first 5'),
  groupHitRate10: measure('Hit rate @10', 'share of requests with a click in the first 10'),
  groupGauc: measure('GAUC', 'AUC within each request'),
  clickRate: measure('Click rate', 'share of rows with a click', null),
  rows: measure('Rows', 'of the test set', null),
}

/** The measures of a test set, by their names in model.json and in the order in which they are shown. */
export const MEASURES: ReadonlyMap<string, Measure> = new Map(Object.entries(BY_KEY))

/** `0.7080`, and of a count `60,000`. */
export function formatMeasure(key: string, value: number): string {
  return key === 'rows' ? formatCount(value) : value.toFixed(4)
}

/** What a model would change of a measure, as it is shown. */
export interface Change {
  text: string // '+0.0021'; '±0': nothing that is shown
  mood: 'good' | 'bad' | '' // better or worse; '': neither
}

export function changeOf(key: string, from: number, to: number): Change {
  const difference = to - from
  const shown = formatMeasure(key, Math.abs(difference))
  if (Number(shown.replaceAll(',', '')) === 0) return { text: '±0', mood: '' }
  const better = MEASURES.get(key)?.better ?? null
  const mood = better === null ? '' : difference > 0 === (better === 'higher') ? 'good' : 'bad'
  return { text: `${difference > 0 ? '+' : '−'}${shown}`, mood }
}

/** The measures that any of the models has, those that are known first. */
export function measuresOf(metrics: readonly (object | null)[], ordersOnly: boolean): string[] {
  const found = new Set(metrics.flatMap((one) => Object.keys(one ?? {})))
  const known = [...MEASURES].flatMap(([key, { ofOrder }]) =>
    found.has(key) && (ofOrder || !ordersOnly) ? [key] : [],
  )
  return [...known, ...[...found].filter((key) => !MEASURES.has(key))]
}
