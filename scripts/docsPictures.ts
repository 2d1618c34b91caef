// The pictures of the documentation, taken by Debian's Chromium of a server with small realistic data: `npm run docs:pictures`.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { messageOf } from '../src/errors.ts'
import { consoleLines } from './demo/console.ts'
import { killAll, nearrank, ROOT, serve, Stopped } from './demo/shell.ts'
import { chooseRequest } from './demo/updates.ts'

const OUT = 'demo-data/pictures' // what is made for them
const PICTURES = resolve(ROOT, 'docs/pictures')
const CONTEXT = 'time,device,companion'
const SETTLE_MS = 1500 // for the map's background
const FILL_MS = 35_000 // for the charts of what happens

interface Picture {
  name: string
  address: string
  width: number
  height: number
  colorScheme?: 'light' | 'dark'
}

async function pictures(): Promise<void> {
  const [data, model] = [`${OUT}/data`, `${OUT}/model`]
  await nearrank(
    `generate --kind realistic --out ${data} --rows 600000 --test-rows 60000 --users 12000 --restaurants 2000 --requests 100`,
  )
  await nearrank(`train --data ${data} --out ${model} --ids both --context-features ${CONTEXT} --epochs 4`)
  await nearrank(`importance --data ${data} --model ${model}`)
  const server = await serve(`--model ${model} --data ${data} --store sqlite:${OUT}/features.db --port 0`)
  const request = await chooseRequest(resolve(ROOT, data, 'requests.parquet'), resolve(ROOT, model))
  const [map, times] = Array.from(
    consoleLines(server.url, request).matchAll(/^ {2}(\S+)$/gm),
    ([, url]) => url,
  )
  const report = pathToFileURL(resolve(ROOT, model, 'report.html')).href
  const wide = { width: 1440, height: 900 }
  const wanted: Picture[] = [
    { name: 'explore', address: map, ...wide },
    { name: 'explore-noon-night', address: times, ...wide, colorScheme: 'dark' },
    { name: 'model', address: `${server.url}/#/model`, ...wide },
    { name: 'report', address: report, width: 1200, height: 1300 },
  ]
  const browser = await launch()
  try {
    mkdirSync(PICTURES, { recursive: true })
    for (const picture of wanted) await take(browser, picture)
    const requests = `--requests ${data}/requests.parquet --rate 300 --duration 40 --p95 1000`
    await Promise.all([
      nearrank(`loadtest --url ${server.url} ${requests}`),
      take(browser, { name: 'live', address: `${server.url}/#/live`, ...wide }),
    ])
  } finally {
    await browser.close()
    await server.stop()
  }
}

async function launch(): Promise<Browser> {
  const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim()
  if (executablePath === '')
    throw new Stopped('Cannot take pictures: chromium is not installed (Debian: apt-get install chromium)')
  // Without the sandbox, which root cannot have; the pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
}

async function take(browser: Browser, { name, address, width, height, colorScheme = 'light' }: Picture) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.goto(address, { waitUntil: 'networkidle' })
  if (address.includes('/#/explore')) await explainFirst(page)
  await page.waitForTimeout(name === 'live' ? FILL_MS : SETTLE_MS)
  await page.screenshot({ path: join(PICTURES, `${name}.png`) })
  await context.close()
}

/** Why the first of the list is where it is. */
async function explainFirst(page: Page): Promise<void> {
  const first = page.locator('main ol button, main ol a').first()
  if ((await first.count()) > 0) await first.click()
}

process.on('exit', killAll)
await pictures().catch((error: unknown) => {
  process.stderr.write(`docs:pictures: ${messageOf(error)}\n`)
  process.exitCode = 1
})
