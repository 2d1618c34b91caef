/** What is measured of an order of rows, of which some were clicked. */
export const ORDER_MEASURES = [
  'ndcg5',
  'ndcg10',
  'mrr',
  'map10',
  'hitRate1',
  'hitRate5',
  'hitRate10',
  'gauc',
] as const

export type OrderMeasure = (typeof ORDER_MEASURES)[number]

const DEPTH = 10
const SHORT = 48 // rows: sorted by insertion, without a call
const DISCOUNTS = new Float64Array(DEPTH + 1) // [depth]: sum of 1 / log2(rank + 2) of the ranks before it
for (let rank = 0; rank < DEPTH; rank++) DISCOUNTS[rank + 1] = DISCOUNTS[rank] + 1 / Math.log2(rank + 2)

/**
 * Measures the order in which scores put the rows of one group, highest first. Equal scores stand in any
 * order: each measure is its mean over these (McSherry and Najork 2008).
 *
 * NDCG@5 and @10 (Järvelin and Kekäläinen 2002, binary gains); the reciprocal rank of the first click; the
 * average precision at 10, over the clicks or 10 of them; whether a click is among the first 1, 5 and 10; and
 * the AUC, which `gauc` averages over groups by their rows (Zhu et al. 2017).
 */
export class OrderMeasurer {
  readonly #bits = new Uint32Array(1)
  readonly #score = new Float32Array(this.#bits.buffer)
  #keys = new Float64Array(1024)

  /**
   * Adds the measures of rows `start` … `end` − 1 to `sums`, from `at` on, in the order of `ORDER_MEASURES`;
   * the AUC times the rows, and not if all are clicks. `clicked`: how many are, at least one.
   */
  add(
    sums: Float64Array,
    at: number,
    scores: Float32Array,
    { clicks, start, end, clicked }: { clicks: Uint8Array; start: number; end: number; clicked: number },
  ): void {
    const rows = end - start
    if (rows > this.#keys.length) this.#keys = new Float64Array(2 * rows)
    const keys = this.#keys
    // Highest score first; the last bit tells whether the row is a click.
    for (let row = start; row < end; row++) {
      this.#score[0] = scores[row] + 0 // no −0
      const bits = this.#bits[0]
      const falling = (bits ^ ((bits | 0) < 0 ? 0 : 0x7fffffff)) >>> 0
      keys[row - start] = 2 * falling + clicks[row]
    }
    if (rows <= SHORT) insertionSort(keys, rows)
    else keys.subarray(0, rows).sort()
    addMeasures(sums, at, keys, rows, clicked)
  }
}

function insertionSort(keys: Float64Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const key = keys[i]
    let at = i
    for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1]
    keys[at] = key
  }
}

function addMeasures(
  sums: Float64Array,
  at: number,
  keys: Float64Array,
  rows: number,
  clicked: number,
): void {
  let clicksBefore = 0
  let wins = 0 // of clicks over other rows
  for (let start = 0, end = 0; start < rows; start = end) {
    // Rows of one score; a click's key is odd.
    const other = keys[start] - (keys[start] % 2)
    let clicks = 0
    for (; end < rows && keys[end] <= other + 1; end++) clicks += keys[end] - other
    if (clicks === 0) continue
    const others = end - start - clicks
    const othersBefore = start - clicksBefore
    wins += clicks * (rows - clicked - othersBefore - others / 2)
    if (start < DEPTH) {
      const share = clicks / (end - start)
      sums[at] += (share * discounts(start, end, 5)) / DISCOUNTS[Math.min(clicked, 5)]
      sums[at + 1] += (share * discounts(start, end, DEPTH)) / DISCOUNTS[Math.min(clicked, DEPTH)]
      sums[at + 3] += precisions(start, end, clicks, clicksBefore) / Math.min(clicked, DEPTH)
    }
    if (clicksBefore === 0) addFirstClick(sums, at, start, end, clicks)
    clicksBefore += clicks
  }
  if (clicked < rows) sums[at + 7] += (rows * wins) / (clicked * (rows - clicked))
}

/** Of ranks `start` … `end` − 1, as far as they are above `depth`. */
function discounts(start: number, end: number, depth: number): number {
  return DISCOUNTS[Math.min(end, depth)] - DISCOUNTS[Math.min(start, depth)]
}

/** The expected sum of the precisions at clicks among tied ranks, as far as they are above DEPTH. */
function precisions(start: number, end: number, clicks: number, clicksBefore: number): number {
  const rows = end - start
  const further = rows > 1 ? (clicks - 1) / (rows - 1) : 0 // clicks for each rank before, given a click here
  let sum = 0
  for (let rank = start; rank < end && rank < DEPTH; rank++)
    sum += (clicksBefore + 1 + (rank - start) * further) / (rank + 1)
  return (sum * clicks) / rows
}

/** The first click is one of tied ranks: the reciprocal of its rank, whether it is among the first few. */
function addFirstClick(sums: Float64Array, at: number, start: number, end: number, clicks: number): void {
  let none = 1 // the probability that no rank before is a click
  for (let rank = start; rank <= end - clicks; rank++) {
    const first = (none * clicks) / (end - rank)
    none -= first
    sums[at + 2] += first / (rank + 1)
    if (rank < 1) sums[at + 4] += first
    if (rank < 5) sums[at + 5] += first
    if (rank < DEPTH) sums[at + 6] += first
  }
}
