/** How a table's columns stand: numbers to the right, so that their digits stand below one another. */
export type Alignment = 'left' | 'right'

/**
 * Lines of aligned columns, two spaces between them, no line longer than its last cell asks for. `head` may
 * be empty. Widths count code points: cells hold no wide characters.
 */
export function renderTable(head: string[], rows: string[][], alignments: Alignment[]): string {
  const all = head.length > 0 ? [head, ...rows] : rows
  const widths = alignments.map((_, column) =>
    Math.max(0, ...all.map((cells) => lengthOf(cells[column] ?? ''))),
  )
  const line = (cells: string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? ''
        const fill = ' '.repeat(width - lengthOf(cell))
        return alignments[column] === 'right' ? fill + cell : cell + fill
      })
      .join('  ')
      .trimEnd()
  const lines = rows.map(line)
  if (head.length > 0)
    lines.unshift(
      line(head),
      widths
        .map((width) => '─'.repeat(width))
        .join('  ')
        .trimEnd(),
    )
  return lines.join('\n')
}

function lengthOf(cell: string): number {
  return Array.from(cell).length
}
