const LEVELS = '▁▂▃▄▅▆▇█'
const COLUMNS_MAX = 40

/** Values as a row of bars, from the least to the greatest; many values share a column by their mean. */
export function sparkline(values: readonly number[]): string {
  const columns = Math.min(values.length, COLUMNS_MAX)
  const means = Array.from({ length: columns }, (_, i) => {
    const some = values.slice(
      Math.floor((i * values.length) / columns),
      Math.floor(((i + 1) * values.length) / columns),
    )
    return some.reduce((sum, value) => sum + value, 0) / some.length
  })
  const least = Math.min(...means)
  const range = Math.max(...means) - least
  return means
    .map((mean) => {
      const level = range > 0 ? Math.round(((mean - least) / range) * (LEVELS.length - 1)) : 0
      return LEVELS[level] ?? ' ' // no finite number
    })
    .join('')
}
