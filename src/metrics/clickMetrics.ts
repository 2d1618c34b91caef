import { NearrankError } from '../errors.ts'
import { Calibration } from './calibration.ts'
import { calibrationCurve, type CalibrationBin } from './calibrationCurve.ts'
import { HistogramAuc } from './histogramAuc.ts'
import { binaryEntropy, LOG_LOSS_ROWS_MAX, logLossSumInto } from './logLoss.ts'
import { GroupedNdcg } from './ndcg.ts'
import { type ScoreCurves, scoreCurves } from './scoreCurves.ts'

/** How good scores are; undefined metrics (no positives, no ceiling known) are null. */
export interface EvaluationMetrics {
  rows: number
  accuracy: number
  auc: number | null
  logLoss: number
  normalizedEntropy: number | null
  calibrationError: number
  ndcg10: number | null // by user
  // Means over groups; absent: the rows are in no groups.
  groupNdcg5?: number | null
  groupNdcg10?: number | null
  groupMrr?: number | null
  groupMap10?: number | null
  groupHitRate1?: number | null
  groupHitRate5?: number | null
  groupHitRate10?: number | null
  groupGauc?: number | null
  clickRate: number
  majorityAccuracy: number
}

const BLOCK_ROWS = LOG_LOSS_ROWS_MAX // small, so that what one pass brings into the caches serves the next
const ROWS_MAX = 2 ** 32 - 1 // counts are 32 bits wide

/**
 * Metrics of click predictions, streamed: memory depends on the number of users only (NDCG_USER_BYTES each),
 * not of rows, whose order does not matter.
 */
export class ClickMetrics {
  readonly #users: number
  readonly #ndcg: GroupedNdcg | null
  readonly #auc = new HistogramAuc()
  readonly #calibration = new Calibration()
  readonly #probabilities = new Float64Array(BLOCK_ROWS)
  #rows = 0
  #clicks = 0
  #correct = 0
  #lossSum = 0

  /** `users`: how many users NDCG@10 is grouped by; 0 leaves NDCG out. */
  constructor(options: { users: number }) {
    this.#users = options.users
    this.#ndcg = options.users > 0 ? new GroupedNdcg(options.users) : null
  }

  /**
   * Adds rows 0 … `count` − 1 of the arrays: `clicks` are 0 or 1, `users` 0 … `users` − 1 (not read without
   * NDCG). After a throw the sums are incomplete.
   * @throws NearrankError NOT_FINITE where a logit is NaN or infinite, INTERNAL where a user is out of range,
   * INPUT after 2^32 − 1 rows.
   */
  add(logits: Float32Array, clicks: Uint8Array, users: Uint32Array, count: number): void {
    if (this.#rows + count > ROWS_MAX)
      throw new NearrankError(
        'INPUT',
        `Cannot evaluate more than ${ROWS_MAX} rows at once: found ${this.#rows + count}; evaluate fewer files at a time`,
      )
    if (this.#ndcg) checkUsers(users, count, this.#users)
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const end = Math.min(start + BLOCK_ROWS, count)
      const loss = logLossSumInto(this.#probabilities, logits, clicks, start, end)
      if (!Number.isFinite(loss)) throw notFinite(logits, start, this.#rows)
      this.#lossSum += loss
      this.#clicks += countClicks(clicks, start, end)
      this.#correct += countCorrect(logits, clicks, start, end)
      this.#calibration.add(this.#probabilities, clicks, start, end - start)
      this.#auc.add(logits, clicks, start, end)
      this.#ndcg?.add(logits, clicks, users, start, end)
    }
    this.#rows += count
  }

  /** Click rate and mean prediction of each tenth of the rows, by rising prediction. */
  calibration(): CalibrationBin[] {
    return calibrationCurve(this.#auc, this.#rows)
  }

  /** What pictures of the scores are made of. */
  curves(): ScoreCurves {
    return scoreCurves(this.#auc, { rows: this.#rows, clicks: this.#clicks })
  }

  /** Metrics of the rows so far; without any row the means are NaN and the rest null. */
  result(): EvaluationMetrics {
    const rows = this.#rows
    const clickRate = this.#clicks / rows
    const logLoss = this.#lossSum / rows
    const entropy = binaryEntropy(clickRate)
    return {
      rows,
      accuracy: this.#correct / rows,
      auc: this.#auc.area(),
      logLoss,
      normalizedEntropy: entropy > 0 ? logLoss / entropy : null, // 0 with one class only, NaN without rows
      calibrationError: this.#calibration.error(),
      ndcg10: this.#ndcg?.mean() ?? null,
      clickRate,
      majorityAccuracy: Math.max(this.#clicks, rows - this.#clicks) / rows,
    }
  }
}

function countClicks(clicks: Uint8Array, start: number, end: number): number {
  let sum = 0
  for (let row = start; row < end; row++) sum += clicks[row]
  return sum
}

function countCorrect(logits: Float32Array, clicks: Uint8Array, start: number, end: number): number {
  let correct = 0
  for (let row = start; row < end; row++) correct += (logits[row] > 0 ? 1 : 0) ^ clicks[row] ^ 1
  return correct
}

function checkUsers(users: Uint32Array, count: number, usersEnd: number): void {
  let largest = 0
  for (let row = 0; row < count; row++) if (users[row] > largest) largest = users[row]
  if (largest >= usersEnd)
    throw new NearrankError(
      'INTERNAL',
      `Cannot group rows by user: user rows must be 0 to ${usersEnd - 1}, found ${largest}`,
    )
}

function notFinite(logits: Float32Array, start: number, rowsBefore: number): NearrankError {
  let row = start
  while (Number.isFinite(logits[row])) row++
  return new NearrankError(
    'NOT_FINITE',
    `Cannot evaluate the scores: every logit must be a finite number, row ${rowsBefore + row} holds ${logits[row]}; ` +
      'check the weights and the features of that row',
  )
}
