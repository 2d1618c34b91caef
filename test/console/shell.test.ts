import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import { startPrefixProxy } from '../server/prefixProxy.ts'
import { makeWorld, serveWorld } from '../server/serverFixture.ts'
import { NO_CHROMIUM, openPage, startBrowser } from './browser.ts'

const KEY = 'a-secret-key'
const VIEWS = ['Explore', 'Live', 'Model', 'Rows']

describe('the shell of the console', { skip: NO_CHROMIUM }, async () => {
  if (NO_CHROMIUM) return
  const browser = await startBrowser()
  const world = await makeWorld()
  const server = await serveWorld(world)
  const entry = { name: 'all', sha256: hash('sha256', KEY), rights: ['read', 'write', 'admin'] as const }
  const keyed = await serveWorld(world, { apiKeys: new ApiKeys([{ ...entry, rights: [...entry.rights] }]) })
  const prefixed = await startPrefixProxy(server.port, '/shop/ranking')

  for (const [place, root] of [
    ['on its own', server.url],
    ['behind a prefix', prefixed],
  ])
    test(`${place}, each view has an address of its own`, async () => {
      const { page, assertQuiet } = await openPage(browser, new URL(root).origin)
      await page.goto(`${root}/`)
      for (const view of VIEWS) {
        await page.getByRole('link', { name: view, exact: true }).click()
        await page.getByRole('heading', { level: 1, name: view }).waitFor()
        assert.equal((await page.evaluate<string>('location.hash')).split('?')[0], `#/${view.toLowerCase()}`)
        assert.equal(await page.title(), `${view} · Nearrank`)
        const current = page.locator('nav [aria-current="page"]')
        assert.deepEqual(await current.allTextContents(), [view])
      }
      await page.goBack()
      await page.getByRole('heading', { level: 1, name: 'Model' }).waitFor()
      await page.reload()
      await page.getByRole('heading', { level: 1, name: 'Model' }).waitFor()
      assertQuiet()
    })

  test('with keys, it asks for one, refuses a wrong one, and keeps it for the tab alone', async () => {
    const { page, assertQuiet } = await openPage(browser, keyed.url)
    await page.goto(`${keyed.url}/#/model`)
    const field = page.getByLabel('API key')
    await field.fill('two words')
    await field.press('Enter')
    await page.getByText('A key has visible ASCII characters alone').waitFor()
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
    await field.fill('wrong')
    await page.getByRole('button', { name: 'Use this key' }).click()
    await page.getByText('The server does not know this key.').waitFor()
    assert.equal(await page.evaluate('sessionStorage.length'), 0)

    await field.fill(KEY)
    await field.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Model' }).waitFor()
    await page.getByRole('heading', { level: 2 }).first().waitFor()
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'Model' }).waitFor()
    assert.deepEqual(
      await page.evaluate('[Object.values(sessionStorage), localStorage.length, document.cookie]'),
      [[KEY], 0, ''],
    )
    assert.ok(!page.url().includes(KEY))

    await page.getByRole('button', { name: 'Forget key' }).click()
    await field.waitFor()
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
    assertQuiet(/status of 401/)
  })

  test('it is all there for the keyboard', async () => {
    const { page } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/model`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    const focused = () => page.evaluate('document.activeElement.textContent')
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Skip to content')
    for (const view of VIEWS) {
      await page.keyboard.press('Tab')
      assert.equal(await focused(), view)
    }
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Rows' }).waitFor()
  })

  test('what the server refuses is told in its own words', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/rows?user=not-a-number`)
    const alert = page.getByRole('alert')
    await alert.getByText('The id in the path is not valid').waitFor()
    await alert.getByText('BAD_ID').waitFor()
    assertQuiet(/status of 400/)
  })
})
