const BIN_BITS = 22 // sign, 8 exponent bits and 13 of the 23 mantissa bits
const BINS = 2 ** BIN_BITS
const SHIFT = 32 - BIN_BITS
const SECTION_BITS = 9 // bins of a section: 512, the counts of which fill 4 KiB
const SECTION_COUNTS = 2 << SECTION_BITS
const SECTIONS_FIRST = 64 // that there is room for at first

/**
 * Area under the ROC curve in constant memory: float32 scores fall into 2^22 bins in their own order, and two
 * scores of one bin count as tied. Scores that differ by more than 2^-13 of their size never share a bin;
 * `errorBound()` says how much the rest can matter. There is memory only for the sections of bins that scores
 * fall into: usually about a megabyte, at most 32 MiB. At most 2^32 − 1 rows.
 */
export class HistogramAuc {
  #counts = new Uint32Array(SECTIONS_FIRST * SECTION_COUNTS) // [place, bin of the section, class]
  // [section]: where its counts start; −1: no score fell there
  readonly #places = new Int32Array(BINS >> SECTION_BITS).fill(-1)
  #taken = 0 // counts

  /** Adds rows `start` … `end` − 1; a click is 0 or 1. */
  add(scores: Float32Array, clicks: Uint8Array, start: number, end: number): void {
    for (let row = start; row < end; ) {
      row = countScores(this.#counts, this.#places, scores, clicks, row, end)
      if (row < end) this.#open(keyOf(scores[row]) >>> SECTION_BITS)
    }
  }

  #open(section: number): void {
    const at = this.#taken
    if (at === this.#counts.length) {
      const grown = new Uint32Array(2 * at)
      grown.set(this.#counts)
      this.#counts = grown
    }
    this.#places[section] = at
    this.#taken += SECTION_COUNTS
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
    for (const [section, start] of this.#places.entries()) {
      if (start < 0) continue
      for (let at = start; at < start + SECTION_COUNTS; at += 2)
        if (counts[at] + counts[at + 1] > 0)
          visit(middleOf((section << SECTION_BITS) + (at - start) / 2), counts[at], counts[at + 1])
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

/** The score's bin: the order of floats as order of unsigned integers. */
function keyOf(score: number): number {
  float[0] = score + 0 // −0 becomes 0: the two are equal scores
  const raw = bits[0]
  // Flip the sign bit of positives, every bit of negatives.
  return (raw ^ ((raw >> 31) | 0x80000000)) >>> SHIFT
}

/** Counts rows `start` … `end` − 1 up to the first whose section has no place; returns that row, or `end`. */
function countScores(
  counts: Uint32Array, // [place, bin of the section, class]
  places: Int32Array, // [section]
  scores: Float32Array,
  clicks: Uint8Array,
  start: number,
  end: number,
): number {
  for (let row = start; row < end; row++) {
    const key = keyOf(scores[row])
    const at = places[key >>> SECTION_BITS]
    if (at < 0) return row
    counts[at + (((key << 1) & (SECTION_COUNTS - 1)) | clicks[row])]++
  }
  return end
}
