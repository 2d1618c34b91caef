import { type Markup, markup, type Part } from './markup.ts'

/** Cells of a table; a cell that is markup stands as it is. */
export interface DataTable {
  head: readonly string[]
  rows: readonly (readonly Part[])[]
  caption?: string // for screen readers
  texts?: readonly number[] // columns of texts, which stand to the left, @default [0]
}

/**
 * A table of figures. On a narrow screen each row of more than three cells becomes a list of them, with the
 * names of their columns: so nothing scrolls sideways. The roles keep it a table for screen readers there.
 */
export function dataTable({ head, rows, caption, texts = [0] }: DataTable): Markup {
  const side = (column: number) => (texts.includes(column) ? 'text' : 'figure')
  const headCells = head.map(
    (name, column) => markup`<th role="columnheader" scope="col" class="${side(column)}">${name}</th>`,
  )
  const cell = (part: Part, column: number) =>
    part === ''
      ? markup`<td role="cell"></td>`
      : markup`<td role="cell" class="${side(column)}" data-head="${head[column] ?? ''}"><span>${part}</span></td>`
  const lines = rows.map((cells) => markup`<tr role="row">${cells.map(cell)}</tr>\n`)
  return markup`<table role="table" class="${isNarrow(head) ? 'narrow' : 'wide'}">${caption === undefined ? '' : markup`<caption>${caption}</caption>`}
<thead role="rowgroup"><tr role="row">${headCells}</tr></thead>
<tbody role="rowgroup">
${lines}</tbody></table>
`
}

/** A table on a ground of its own; one of few columns is no wider than it is easy to read. */
export function tablePanel(table: DataTable, more: Part = ''): Markup {
  return markup`<div class="panel${isNarrow(table.head) ? ' narrow' : ''}">
${dataTable(table)}${more}</div>
`
}

/** A table that is closed until somebody wants it. */
export function foldedTable(label: string, table: DataTable): Markup {
  return markup`<details><summary>${label}</summary>
${dataTable({ caption: label, ...table })}</details>
`
}

function isNarrow(head: readonly string[]): boolean {
  return head.length <= 3
}
