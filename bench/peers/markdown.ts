const LINE_CHARACTERS = 110
const BEGIN = '<!-- peers:begin -->'
const END = '<!-- peers:end -->'

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

/** The page with `section` between its two marks. @throws Error where they are not there once, in this order. */
export function replaceSection(page: string, section: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  const isOnce = page.lastIndexOf(BEGIN) === begin && page.lastIndexOf(END) === end
  if (begin === -1 || end < begin || !isOnce)
    throw new Error(`Cannot write the comparison: the page must hold ${BEGIN} and then ${END}, each once`)
  return `${page.slice(0, begin + BEGIN.length)}\n${section.trim()}\n${page.slice(end)}`
}
