const BIN_BITS = 22 // sign, 8 exponent bits and 13 of the 23 mantissa bits
const BINS = 2 ** BIN_BITS
const SHIFT = 32 - BIN_BITS
const SECTION_BITS = 12 // bins of a section: 4,096, the counts of which fill 32 KiB

/**
 * Area under the ROC curve in constant memory: float32 scores fall into 2^22 bins in their own order, and two
 * scores of one bin count as tied. Scores that differ by more than 2^-13 of their size never share a bin;
 * `errorBound()` says how much the rest can matter. 32 MiB of address space, of which only the pages of bins
 * that scores fall into become resident. At most 2^32 − 1 rows.
 */
export class HistogramAuc {
  readonly #counts = new Uint32Array(2 * BINS) // [bin, class]
  // [section]: 1 where any score fell; the rest is never read
  readonly #used = new Uint8Array(BINS >> SECTION_BITS)

  /** Adds rows `start` … `end` − 1; a click is 0 or 1. */
  add(scores: Float32Array, clicks: Uint8Array, start: number, end: number): void {
    countScores(this.#counts, this.#used, scores, clicks, start, end)
  }

  /** The area, ties counted half; null without a positive or without a negative. */
  area(): number | null {
    const { positives, negatives, ordered, tied } = this.#pairs()
    return positives === 0 || negatives === 0 ? null : (ordered + tied / 2) / positives / negatives
  }

  /** The exact area is within this of `area()`: half the share of pairs that fell into one bin. */
  errorBound(): number {
    const { positives, negatives, tied } = this.#pairs()
    return positives === 0 || negatives === 0 ? 0 : tied / 2 / positives / negatives
  }

  /** Calls `visit` for each bin that has rows, by rising scores; `score` is the middle of the bin. */
  forEachBin(visit: (score: number, negatives: number, positives: number) => void): void {
    const counts = this.#counts
    for (const [section, isUsed] of this.#used.entries()) {
      if (!isUsed) continue
      const end = (section + 1) << SECTION_BITS
      for (let bin = section << SECTION_BITS; bin < end; bin++)
        if (counts[2 * bin] + counts[2 * bin + 1] > 0)
          visit(middleOf(bin), counts[2 * bin], counts[2 * bin + 1])
    }
  }

  #pairs() {
    let positives = 0
    let negatives = 0
    let ordered = 0 // pairs whose positive is in a higher bin than its negative
    let tied = 0
    this.forEachBin((_, binNegatives, binPositives) => {
      ordered += binPositives * negatives
      tied += binPositives * binNegatives
      positives += binPositives
      negatives += binNegatives
    })
    return { positives, negatives, ordered, tied }
  }
}

/** Half way between the least and the greatest score of a bin. */
function middleOf(bin: number): number {
  return (scoreOf(bin << SHIFT) + scoreOf((bin << SHIFT) | ((1 << SHIFT) - 1))) / 2
}

/** The inverse of the order of floats as integers. */
function scoreOf(key: number): number {
  bits[0] = key < 0 ? key ^ 0x80000000 : ~key
  return float[0]
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

function countScores(
  counts: Uint32Array, // [bin, class]
  used: Uint8Array, // [section]
  scores: Float32Array,
  clicks: Uint8Array,
  start: number,
  end: number,
): void {
  for (let row = start; row < end; row++) {
    float[0] = scores[row] + 0 // −0 becomes 0: the two are equal scores
    const raw = bits[0]
    // Order of floats as order of unsigned integers: flip the sign bit of positives, every bit of negatives.
    const key = (raw ^ ((raw >> 31) | 0x80000000)) >>> SHIFT
    counts[2 * key + clicks[row]]++
    used[key >>> SECTION_BITS] = 1
  }
}
