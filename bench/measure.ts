/** Times of one thing: median and spread of several runs. */
export interface Timing {
  seconds: number // median, of one call
  spread: number // (90th − 10th percentile) / median
}

/**
 * Calls `run` until the optimising compiler has had its turn, then times `rounds` groups of `calls` calls.
 * Seeded data is the caller's business.
 */
export function timeCalls(run: () => void, { calls = 20, rounds = 40, warmUp = 2000 } = {}): Timing {
  for (let i = 0; i < warmUp; i++) run()
  const seconds: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    for (let i = 0; i < calls; i++) run()
    seconds.push((performance.now() - started) / 1000 / calls)
  }
  return timingOf(seconds)
}

/** Of times that were taken elsewhere. */
export function timingOf(seconds: number[]): Timing {
  const sorted = seconds.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return { seconds: at(0.5), spread: (at(0.9) - at(0.1)) / at(0.5) }
}

/** `12.3 µs ± 4 %` */
export function timingText({ seconds, spread }: Timing): string {
  const [value, unit] =
    seconds < 1e-3 ? [seconds * 1e6, 'µs'] : seconds < 1 ? [seconds * 1e3, 'ms'] : [seconds, 's']
  return `${value.toPrecision(3)} ${unit} ± ${Math.round(spread * 50)} %`
}
