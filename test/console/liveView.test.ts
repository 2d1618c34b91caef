import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import { startPrefixProxy } from '../server/prefixProxy.ts'
import { CENTRE, makeWorld, serveWorld } from '../server/serverFixture.ts'
import { NO_CHROMIUM, openPage, startBrowser } from './browser.ts'
import { assertUsable, SIZES } from './sizes.ts'

const CHARTS = 8
const SETTLE_MS = 500 // the page has done what it was told

describe('the view Live', { skip: NO_CHROMIUM }, async () => {
  if (NO_CHROMIUM) return
  const browser = await startBrowser()
  const world = await makeWorld()
  const server = await serveWorld(world)
  const key = (name: string, rights: ('read' | 'write')[]) => ({ name, sha256: hash('sha256', name), rights })
  const keyed = await serveWorld(world, {
    apiKeys: new ApiKeys([key('reads', ['read']), key('writes', ['write'])]),
  })
  const prefixed = await startPrefixProxy(server.port, '/shop')

  const rank = async (body: object): Promise<number> => {
    const headers = { 'content-type': 'application/json' }
    const url = `${server.url}/recommend/1`
    const { status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    return status
  }
  /** The paths that the page has asked for since, as it asks for them. */
  const askedBy = (page: Page): string[] => {
    const paths: string[] = []
    page.on('request', (request) => paths.push(new URL(request.url()).pathname))
    return paths
  }

  for (const size of SIZES)
    test(`at ${size.width} pixels, it shows what the server has counted`, async () => {
      const { page, assertQuiet } = await openPage(browser, server.url, size)
      await page.goto(`${server.url}/#/live`)
      await page.getByText('ready', { exact: true }).waitFor()
      await page.getByText(/up .* · 2 threads · 2,000 users · 500 restaurants · store connected/).waitFor()
      for (let i = 0; i < 5; i++) assert.equal(await rank({ ...CENTRE, max_dist: 1e5 }), 200)
      assert.equal(await rank({ latitude: 100 }), 400)
      const told = await (await fetch(`${server.url}/metrics`)).text()
      const total = (status: number) =>
        Number(new RegExp(`requests_total\\{status="${status}"\\} (\\d+)`).exec(told)?.[1])
      assert.ok(total(200) >= 5 && total(400) >= 1)
      await page.getByRole('row', { name: new RegExp(`^200 answered \\d+ ${total(200)}$`) }).waitFor()
      await page.getByRole('row', { name: new RegExp(`^400 not valid \\d+ ${total(400)}$`) }).waitFor()
      assert.equal(await page.getByRole('figure').count(), CHARTS)
      await page
        .getByRole('row', { name: /^400 The body does not match its schema .* longitude is missing.* \d+$/ })
        .waitFor()
      await page
        .locator('.chart-frame path.series-1:not([d=""])')
        .nth(CHARTS - 1)
        .waitFor({ state: 'attached' })
      const requests = page.getByRole('img', {
        name: /^Ranked lists a second, 2 min ago to now: answered last/,
      })
      await requests.waitFor()
      await assertUsable(page)
      assertQuiet(/status of 400/)
    })

  test('nothing is asked while nobody can see it, or while it is paused', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/live`)
    await page.getByRole('figure').first().waitFor()
    const see = (state: string) =>
      page.evaluate(`
        Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    const asked = askedBy(page)
    const pause = page.getByRole('button', { name: 'Pause' })
    for (const [stop, goOn] of [
      [() => see('hidden'), () => see('visible')],
      [() => pause.click(), () => pause.click()],
    ]) {
      await stop()
      await sleep(SETTLE_MS)
      asked.length = 0
      await sleep(2500)
      assert.deepEqual(asked, [])
      const again = page.waitForRequest('**/metrics')
      await goOn()
      await again
    }
    await page.getByRole('link', { name: 'Rows', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Rows' }).waitFor()
    await sleep(SETTLE_MS)
    asked.length = 0
    await sleep(2500)
    assert.deepEqual(asked, [], 'nor by another view')
    assertQuiet()
  })

  test('a server that does not answer is told, and found again', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/live`)
    await page.getByRole('figure').first().waitFor()
    await page.route('**/metrics', (route) => route.abort())
    await page.getByRole('alert').getByText('UNREACHABLE').waitFor()
    await page.getByText('no answer').waitFor()
    await page.unroute('**/metrics')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await page.getByText('ready', { exact: true }).waitFor()
    assertQuiet(/ERR_FAILED/)
  })

  test('with keys, one that may read is enough, and one that may not is not tried again and again', async () => {
    const { page, assertQuiet } = await openPage(browser, keyed.url)
    await page.goto(`${keyed.url}/#/live`)
    const take = async (name: string): Promise<void> => {
      await page.getByLabel('API key').fill(name)
      await page.getByLabel('API key').press('Enter')
    }
    await take('writes')
    await page.getByRole('alert').getByText('FORBIDDEN').waitFor()
    await sleep(SETTLE_MS)
    const asked = askedBy(page)
    await sleep(2500)
    assert.ok(!asked.includes('/metrics'), String(asked))
    await page.getByRole('button', { name: 'Forget key' }).click()
    await take('reads')
    await page.getByRole('figure').first().waitFor()
    await page.getByText('A key with the right admin shows the last errors, too.').waitFor()
    assertQuiet(/status of 403/)
  })

  test('it works behind a prefix', async () => {
    const { page, assertQuiet } = await openPage(browser, new URL(prefixed).origin)
    await page.goto(`${prefixed}/#/live`)
    await page.getByRole('figure').first().waitFor()
    assertQuiet()
  })
})
