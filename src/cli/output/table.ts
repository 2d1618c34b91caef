/** How a table's columns stand: numbers to the right, so that their digits stand below one another. */
export type Alignment = 'left' | 'right'

/**
 * Lines of aligned columns, two spaces between them, no line longer than its last cell asks for. `head` may
 * be empty. Widths count code points: cells hold no wide characters.
 */
export function renderTable(head: string[], rows: string[][], alignments: Alignment[]): string {
  const lines = rows.map((cells) => cells.map(onOneLine))
  const all = head.length > 0 ? [head.map(onOneLine), ...lines] : lines
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
  const rule = widths
    .map((width) => '─'.repeat(width))
    .join('  ')
    .trimEnd()
  const printed = all.map(line)
  if (head.length > 0) printed.splice(1, 0, rule)
  return printed.join('\n')
}

/** A value of the data may hold a line break, or what moves the cursor: written as in JSON. */
function onOneLine(cell: string): string {
  return cell.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

function lengthOf(cell: string): number {
  return Array.from(cell).length
}
