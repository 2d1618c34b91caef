/** A table; cells from outside (column and file names) are escaped. */
export function markdownTable(head: string[], rows: string[][]): string[] {
  return [markdownRow(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(markdownRow)]
}

/** `text` with one section of its second level, from its heading on, replaced by `lines` or else added. */
export function withSection(text: string, heading: string, lines: string[]): string {
  const old = text.split('\n')
  const start = old.indexOf(`## ${heading}`)
  const next = start < 0 ? -1 : old.findIndex((line, i) => i > start && line.startsWith('## '))
  const before = old.slice(0, start < 0 ? old.length : start)
  while (before.at(-1) === '') before.pop()
  const after = next < 0 ? [] : old.slice(next)
  const section = [`## ${heading}`, '', ...lines, ...(after.length > 0 ? ['', ...after] : [''])]
  return [...before, ...(before.length > 0 ? [''] : []), ...section].join('\n')
}

function markdownRow(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replace(/[\\|<]/g, '\\$&').replace(/\s+/g, ' ')).join(' | ')} |`
}
