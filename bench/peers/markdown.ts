const LINE_CHARACTERS = 110

/** The sections of pages that a run writes: of docs/BENCHMARKS.md (all but realistic rows are in `peers`) and of docs/TRUST.md. */
export type SectionName = 'peers' | 'realistic' | 'small' | 'night'

/** A table whose first column is text and whose others are figures. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  )
}

/** One paragraph in lines of at most 110 characters. */
export function wrap(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1]
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= LINE_CHARACTERS) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

/**
 * The page with `section` between the two marks of that name.
 * @throws Error if they are not there once, in this order.
 */
export function replaceSection(page: string, section: string, name: SectionName = 'peers'): string {
  const beginMark = `<!-- ${name}:begin -->`
  const endMark = `<!-- ${name}:end -->`
  const begin = page.indexOf(beginMark)
  const end = page.indexOf(endMark)
  const isOnce = page.lastIndexOf(beginMark) === begin && page.lastIndexOf(endMark) === end
  if (begin === -1 || end < begin || !isOnce)
    throw new Error(
      `Cannot write the comparison: the page must hold ${beginMark} and then ${endMark}, each once`,
    )
  return `${page.slice(0, begin + beginMark.length)}\n${section.trim()}\n${page.slice(end)}`
}
