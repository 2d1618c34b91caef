import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'

const FILE = fileURLToPath(new URL('coarsePictures.json', import.meta.url))
const COLUMNS = 12
const ROWS = 8
const DIFFERENCE_MAX = 24 // of 255, of a colour of a cell: other fonts and scores of other bits change less
const WRONG_CELLS_MAX = 5

/** The mean colours of a grid of cells, row by row, each as red, green and blue. */
export type CoarsePicture = number[][]

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
      const cells = []
      for (let row = 0; row < ${ROWS}; row++)
        for (let column = 0; column < ${COLUMNS}; column++) {
          const [left, right] = [column, column + 1].map((at) => Math.floor((at * picture.width) / ${COLUMNS}))
          const [top, bottom] = [row, row + 1].map((at) => Math.floor((at * picture.height) / ${ROWS}))
          const { data } = context.getImageData(left, top, right - left, bottom - top)
          const sums = [0, 0, 0]
          for (let i = 0; i < data.length; i++) if (i % 4 < 3) sums[i % 4] += data[i]
          cells.push(sums.map((sum) => Math.round((4 * sum) / data.length)))
        }
      return cells
    })()`)
  } finally {
    await blank.close()
  }
}

/** How many cells differ by more than fonts and scores explain. */
export function wrongCells(picture: CoarsePicture, wanted: CoarsePicture): number {
  return picture.filter((cell, i) =>
    cell.some((colour, c) => Math.abs(colour - wanted[i][c]) > DIFFERENCE_MAX),
  ).length
}

/** Asserts that a page looks as it was recorded; `NEARRANK_RECORD_PICTURES=1` records it. */
export function assertLooksAsRecorded(name: string, picture: CoarsePicture): void {
  const all = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, CoarsePicture>
  if (process.env.NEARRANK_RECORD_PICTURES === '1') {
    all[name] = picture
    const lines = Object.entries(all).map(
      ([key, cells]) => `  ${JSON.stringify(key)}: ${JSON.stringify(cells)}`,
    )
    writeFileSync(FILE, `{\n${lines.join(',\n')}\n}\n`)
    return
  }
  const wrong = wrongCells(picture, all[name] ?? assert.fail(`${name} was never recorded`))
  assert.ok(wrong <= WRONG_CELLS_MAX, `${name}: ${wrong} of ${ROWS * COLUMNS} cells look different`)
}
