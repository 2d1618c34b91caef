import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'

const FILE = fileURLToPath(new URL('coarsePictures.json', import.meta.url))
const COLUMNS = 12
const ROWS = 8
const DIFFERENCE_MAX = 24 // of 255, of a colour of a cell: other fonts and scores of other bits change less
const WRONG_CELLS_MAX = 5

/** The mean colours of a grid of cells: a text a row, as `f4f2ec 1f5fbf …`. */
export type CoarsePicture = string[]

/** What a page looks like from far away. */
export async function coarsePicture(browser: Browser, page: Page): Promise<CoarsePicture> {
  const png = (await page.screenshot()).toString('base64')
  const blank = await browser.newPage() // the page's own policy would not let it read pictures
  try {
    return await blank.evaluate<CoarsePicture>(`(async () => {
      const picture = new Image()
      picture.src = 'data:image/png;base64,${png}'
      await picture.decode()
      const canvas = document.createElement('canvas')
      canvas.width = picture.width
      canvas.height = picture.height
      const context = canvas.getContext('2d')
      context.drawImage(picture, 0, 0)
      const edges = (length, count) => Array.from({ length: count + 1 }, (_, i) => Math.floor((i * length) / count))
      const [lefts, tops] = [edges(picture.width, ${COLUMNS}), edges(picture.height, ${ROWS})]
      const cellOf = (column, row) => {
        const [left, top] = [lefts[column], tops[row]]
        const { data } = context.getImageData(left, top, lefts[column + 1] - left, tops[row + 1] - top)
        const sums = [0, 0, 0]
        for (let i = 0; i < data.length; i++) if (i % 4 < 3) sums[i % 4] += data[i]
        return sums.map((sum) => Math.round((4 * sum) / data.length).toString(16).padStart(2, '0')).join('')
      }
      return Array.from({ length: ${ROWS} }, (_, row) =>
        Array.from({ length: ${COLUMNS} }, (_, column) => cellOf(column, row)).join(' '),
      )
    })()`)
  } finally {
    await blank.close()
  }
}

/** How many cells differ by more than fonts and scores explain. */
export function wrongCells(picture: CoarsePicture, wanted: CoarsePicture): number {
  const [found, recorded] = [coloursOf(picture), coloursOf(wanted)]
  return found.filter((cell, i) =>
    cell.some((colour, c) => Math.abs(colour - recorded[i][c]) > DIFFERENCE_MAX),
  ).length
}

/** The cells' red, green and blue. */
function coloursOf(picture: CoarsePicture): number[][] {
  return picture
    .flatMap((row) => row.split(' '))
    .map((cell) => [0, 2, 4].map((at) => Number.parseInt(cell.slice(at, at + 2), 16)))
}

/** Asserts that a page looks as it was recorded; `NEARRANK_RECORD_PICTURES=1` records it. */
export function assertLooksAsRecorded(name: string, picture: CoarsePicture): void {
  const all = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, CoarsePicture>
  if (process.env.NEARRANK_RECORD_PICTURES === '1') {
    all[name] = picture
    writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`)
    return
  }
  const wrong = wrongCells(picture, all[name] ?? assert.fail(`${name} was never recorded`))
  assert.ok(wrong <= WRONG_CELLS_MAX, `${name}: ${wrong} of ${ROWS * COLUMNS} cells look different`)
}
