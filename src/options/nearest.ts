/**
 * The one of `known` that was most likely meant by `word`, at most two letters in five apart; otherwise
 * undefined.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const distances = known.map((name) => editDistance(word.toLowerCase(), name.toLowerCase()))
  const best = Math.min(...distances)
  const i = distances.indexOf(best)
  return i >= 0 && best <= Math.max(word.length, known[i].length) * 0.4 ? known[i] : undefined
}

/**
 * The fewest letters to insert, delete, replace or swap with their neighbour.
 * Words are short, so O(n·m) is nothing.
 */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, j) => j)] // [from + 1, to + 1]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = rows[i - 1][j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, rows[i - 1][j] + 1, row[j - 1] + 1))
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1)
    }
    rows.push(row)
  }
  return rows[from.length][to.length]
}
