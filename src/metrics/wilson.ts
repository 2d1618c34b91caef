/** How many standard deviations on both sides of a mean hold 95 % of a normal distribution. */
export const Z_95 = 1.959963984540054

/** The 95 % interval of a share, of which `hits` of `count` were seen (Wilson 1927): of independent rows. */
export function wilsonInterval(hits: number, count: number): { low: number; high: number } {
  const share = hits / count
  const centre = share + Z_95 ** 2 / (2 * count)
  const half = Z_95 * Math.sqrt((share * (1 - share)) / count + Z_95 ** 2 / (4 * count ** 2))
  const scale = 1 + Z_95 ** 2 / count
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) }
}
