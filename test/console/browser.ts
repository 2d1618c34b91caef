import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'

const WAIT_MS_MAX = 30_000 // others may use the machine, too

/** Why tests with a real browser cannot run here; false: they can. In CI they have to. */
export const NO_CHROMIUM: string | false =
  spawnSync('chromium', ['--version']).status === 0 || process.env.NEARRANK_CI === '1'
    ? false
    : 'chromium is not installed (Debian: apt-get install chromium)'

export interface PageOptions {
  width?: number // pixels, @default 1440
  height?: number // @default 900
  colorScheme?: 'light' | 'dark' // @default light
}

/** A page, and all that it has done which it must not do. */
export interface WatchedPage {
  page: Page
  /** Asserts that it has asked no other origin, violated no policy, and met no error that nobody expected. */
  assertQuiet: (expected?: RegExp) => void
}

/** Debian's Chromium; closed after the test file. Not to be called in a hook or test. */
export async function startBrowser(): Promise<Browser> {
  const { stdout } = spawnSync('which', ['chromium'], { encoding: 'utf8' })
  const executablePath = stdout.trim()
  if (executablePath === '')
    throw new Error(
      'Cannot test the console: chromium is not installed; install it (Debian: apt-get install chromium)',
    )
  // Without the sandbox, which root cannot have; the pages are our own.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  after(() => browser.close())
  return browser
}

/** A new page in a profile of its own that is watched: it may ask the `allowed` origins alone. */
export async function openPage(
  browser: Browser,
  allowed: string | readonly string[],
  options: PageOptions = {},
): Promise<WatchedPage> {
  const { width = 1440, height = 900, colorScheme = 'light' } = options
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(WAIT_MS_MAX)
  const page = await context.newPage()
  const foreign: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith('data:') && ![allowed].flat().includes(new URL(url).origin)) foreign.push(url)
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) =>
      console.error('policy violated: ' + event.violatedDirective + ' ' + event.blockedURI))`,
  )
  const assertQuiet = (expected?: RegExp): void => {
    assert.deepEqual(foreign, [])
    assert.deepEqual(
      complaints.filter((complaint) => !expected?.test(complaint)),
      [],
    )
  }
  return { page, assertQuiet }
}
