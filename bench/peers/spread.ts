/** Several rounds' figures of one thing. */
export interface Spread {
  median: number
  lowest: number
  highest: number
}

/** @throws RangeError where there is no figure. */
export function spreadOf(figures: readonly number[]): Spread {
  if (figures.length === 0) throw new RangeError('no figure to take the median of')
  const sorted = figures.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, lowest: sorted[0], highest: sorted[sorted.length - 1] }
}

/** `5.1 (4.9–5.3)`, or the median alone where all rounds read the same. */
export function spreadText(figures: readonly number[], format: (figure: number) => string): string {
  const { median, lowest, highest } = spreadOf(figures)
  const range = format(lowest) === format(highest) ? '' : ` (${format(lowest)}–${format(highest)})`
  return `${format(median)}${range}`
}

/** `a` over `b`, each round's from that round's own figures. */
export function ratiosOf(a: readonly number[], b: readonly number[]): number[] {
  return a.map((figure, round) => figure / b[round])
}

/** `5.1 × (4.9–5.3)` */
export function ratioText(a: readonly number[], b: readonly number[]): string {
  const ratios = ratiosOf(a, b)
  return ratios.every(Number.isFinite) ? spreadText(ratios, ratioFigure).replace(/^\S+/, '$& ×') : '–'
}

function ratioFigure(ratio: number): string {
  return ratio >= 10 ? ratio.toFixed(0) : ratio.toPrecision(2)
}
