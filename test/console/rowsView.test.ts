import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import { startPrefixProxy } from '../server/prefixProxy.ts'
import { CENTRE as VECTORS_CENTRE, makeWorld, serveWorld } from '../server/serverFixture.ts'
import { serveValues } from '../server/serveValues.ts'
import { CENTRE, USERS, valuesWorld } from '../server/valuesWorld.ts'
import { NO_CHROMIUM, openPage, startBrowser } from './browser.ts'
import { assertUsable, SIZES } from './sizes.ts'

interface Listed {
  id: number
}

describe('the view Rows', { skip: NO_CHROMIUM }, async () => {
  if (NO_CHROMIUM) return
  const browser = await startBrowser()
  const world = await valuesWorld()
  const { server, call } = await serveValues(world)
  const vectors = await serveWorld(await makeWorld())
  const prefixed = await startPrefixProxy(server.port, '/shop')
  const at = `lat=${CENTRE.latitude}&lon=${CENTRE.longitude}&reach=100000`

  const idsShown = (page: Page, list: 'Before' | 'Now') =>
    page.locator('.move-list', { hasText: list }).locator('.move-id').allTextContents()
  const idsRanked = async (user: number): Promise<string[]> => {
    const body = { ...CENTRE, size: 20, max_dist: 100_000 }
    const { json } = await call(`POST /recommend/${user}`, body)
    return (json as { restaurants: Listed[] }).restaurants.map(({ id }) => String(id))
  }

  /** A user near the top of whose list the restaurant is. */
  const userWhoGets = async (restaurant: string): Promise<number> => {
    for (let user = 0; user < USERS; user++) if ((await idsRanked(user)).includes(restaurant)) return user
    return assert.fail(`nobody gets ${restaurant}`)
  }
  const focusedLabel = (page: Page) => page.evaluate<string>('document.activeElement.labels[0].textContent')

  for (const [i, size] of SIZES.entries())
    test(`at ${size.width} pixels, a changed user is saved, and what it does to the list is marked`, async () => {
      const user = 10 + i
      const { page, assertQuiet } = await openPage(browser, server.url, size)
      const before = await call(`GET /users/${user}`)
      const rankedBefore = await idsRanked(user)
      await page.goto(`${server.url}/#/rows?user=${user}&${at}`)
      await page.locator('.move-id').first().waitFor()
      assert.deepEqual(await idsShown(page, 'Now'), rankedBefore)
      const { features } = before.json as { features: Record<string, unknown> }
      assert.equal(await page.getByLabel('spend', { exact: true }).inputValue(), String(features.spend))
      await assertUsable(page)

      await page.getByLabel('spend', { exact: true }).fill('123.5')
      const likes = page.getByLabel('likes', { exact: true })
      for (const like of (features.likes ?? []) as string[])
        await page
          .getByRole('button', { name: `Remove ${like} from likes` })
          .first()
          .press('Enter')
      await likes.fill('pizza')
      await likes.press('Enter')
      await page.getByRole('button', { name: 'Save' }).press('Enter')
      await page.getByText('Saved: every list is ranked with it now.').waitFor()
      await page.locator('.move-lists').waitFor()
      const after = await call(`GET /users/${user}`)
      assert.deepEqual((after.json as { features: object }).features, {
        ...features,
        spend: 123.5,
        likes: ['pizza'],
      })
      const rankedAfter = await idsRanked(user)
      assert.notDeepEqual(rankedAfter, rankedBefore)
      assert.deepEqual(await idsShown(page, 'Before'), rankedBefore)
      assert.deepEqual(await idsShown(page, 'Now'), rankedAfter)
      const marks = await page.locator('.move-list', { hasText: 'Now' }).locator('.move-mark').allInnerTexts()
      for (const [place, id] of rankedAfter.entries()) {
        const up = rankedBefore.indexOf(id) - place
        const isNew = !rankedBefore.includes(id)
        const mark = isNew
          ? /^new$/
          : up === 0
            ? /^$/
            : new RegExp(`^${up > 0 ? '▲' : '▼'} ${Math.abs(up)}\\b`)
        assert.match(marks[place].trim(), mark)
      }
      await assertUsable(page)

      await page.getByRole('button', { name: 'Put back' }).press('Enter')
      await page.getByText('Nothing has changed in this list.').waitFor()
      assert.deepEqual(await call(`GET /users/${user}`).then(({ json }) => json), before.json)
      assertQuiet()
    })

  test('a restaurant is changed with an input for each kind, and stands out in the list', async () => {
    const id = 7
    await call(`PUT /restaurants/${id}`, {
      features: { cuisine: 'thai', price: 3, taste: [1, 2.5], opened: '2019-05-17T18:30:00Z' },
      ...CENTRE,
    })
    const user = await userWhoGets(String(id))
    const { page, assertQuiet } = await openPage(browser, new URL(prefixed).origin)
    await page.goto(`${prefixed}/#/rows?restaurant=${id}&for=${user}`)
    await page.locator('.move-list li.highlighted', { hasText: String(id) }).waitFor()
    const taste = page.getByLabel('taste', { exact: true })
    await taste.fill('1, 2, 3')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('taste must be 2 numbers, found 3').waitFor()
    await page.locator('input:focus, textarea:focus').waitFor()
    assert.equal(await focusedLabel(page), 'taste')
    assert.equal(await taste.getAttribute('aria-invalid'), 'true')
    await assertUsable(page)

    await taste.fill('4, 0.5')
    await page.getByLabel('opened', { exact: true }).fill('2020-01-02T03:04:05')
    await page.getByLabel('cuisine', { exact: true }).fill('')
    await page.getByLabel('price', { exact: true }).fill('1')
    await page.getByLabel('latitude', { exact: true }).fill('13.801')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved: every list is ranked with it now.').waitFor()
    const { json } = await call(`GET /restaurants/${id}`)
    assert.deepEqual(json, {
      restaurant_id: id,
      features: { price: 1, taste: [4, 0.5], opened: '2020-01-02T03:04:05Z' },
      latitude: 13.801,
      longitude: CENTRE.longitude,
    })
    assertQuiet()
  })

  test('what somebody else has changed meanwhile is not overwritten', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/rows?user=14&${at}`)
    await page.locator('.move-id').first().waitFor()
    const read = async () => ((await call('GET /users/14')).json as { features: object }).features
    const before = await read()
    const spend = page.getByLabel('spend', { exact: true })
    await spend.fill('77.5')
    assert.equal(
      (await call('PUT /users/14', { features: { ...before, likes: ['soup'], spend: 1 } })).status,
      204,
    )
    const save = page.getByRole('button', { name: 'Save' })
    await save.click()
    await page.getByText(/^Not written: the row was changed elsewhere/).waitFor()
    assert.deepEqual(await read(), { ...before, likes: ['soup'], spend: 1 })
    assert.equal(await spend.inputValue(), '77.5')
    await page.getByRole('button', { name: 'Remove soup from likes' }).waitFor()
    await save.click()
    await page.getByText('Saved: every list is ranked with it now.').waitFor()
    assert.deepEqual(await read(), { ...before, likes: ['soup'], spend: 77.5 })
    await spend.fill('78')
    await save.click() // what was read after the last save is what is stored
    await page.getByText('Saved: every list is ranked with it now.').waitFor()
    assert.equal((await call('DELETE /users/14')).status, 204)
    await spend.fill('79')
    await save.click()
    await page.getByRole('alert').getByText('The row was deleted elsewhere since it was read.').waitFor()
    assert.equal((await call('GET /users/14')).status, 404)
    await page.getByRole('button', { name: 'Put back' }).click()
    await page.getByText('Put back as it was when it was looked up.').waitFor()
    assert.deepEqual(await read(), before)
    await page.route('**/users/14', async (route) => {
      await sleep(300)
      await route.continue()
    })
    await page.getByLabel('age', { exact: true }).fill('41')
    await save.click()
    await spend.fill('81') // while it is being saved
    await page.getByText('Saved: every list is ranked with it now.').waitFor()
    assert.equal(await spend.inputValue(), '81')
    assert.deepEqual(await read(), { ...before, age: 41 })
    assertQuiet(/status of 404/)
  })

  test('a row of plain numbers is written as numbers', async () => {
    const { page, assertQuiet } = await openPage(browser, vectors.url)
    const rowOf = async () =>
      (await (await fetch(`${vectors.url}/users/42`)).json()) as { features: number[] }
    const { features } = await rowOf()
    const place = `lat=${VECTORS_CENTRE.latitude}&lon=${VECTORS_CENTRE.longitude}`
    await page.goto(`${vectors.url}/#/rows?user=u00042&${place}&reach=50000`)
    await page.getByLabel('f03', { exact: true }).fill('-2.5')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved: every list is ranked with it now.').waitFor()
    assert.deepEqual((await rowOf()).features, features.with(3, -2.5))
    assertQuiet()
  })

  test('a random row and a place are found, and the address leads back to both', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/rows`)
    await page.getByLabel('restaurant', { exact: true }).check()
    await page.getByRole('button', { name: 'Random restaurant' }).click()
    await page.locator('.move-id').first().waitFor()
    const address = page.url()
    assert.match(address, /#\/rows\?restaurant=\d+&for=\d+$/)
    const [title, ids] = [
      await page.getByRole('heading', { level: 2 }).first().textContent(),
      await idsShown(page, 'Now'),
    ]
    await page.goto('about:blank')
    await page.goto(address)
    await page.locator('.move-id').first().waitFor()
    assert.equal(await page.getByRole('heading', { level: 2 }).first().textContent(), title)
    assert.deepEqual(await idsShown(page, 'Now'), ids)
    assertQuiet()
  })

  test('an id that does not exist is told, and so is a key that may not write', async () => {
    const keys = new ApiKeys([{ name: 'reader', sha256: hash('sha256', 'reads'), rights: ['read'] }])
    const keyed = await serveValues(world, { apiKeys: keys })
    const { page, assertQuiet } = await openPage(browser, keyed.server.url)
    await page.goto(`${keyed.server.url}/#/rows?user=99999&${at}`)
    await page.getByLabel('API key').fill('reads')
    await page.getByLabel('API key').press('Enter')
    await page.getByText('There is no user with this id.').waitFor()
    await page.getByLabel('Id of the user').fill('5')
    await page.getByLabel('Id of the user').press('Enter')
    await page.getByLabel('spend', { exact: true }).fill('1')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').getByText('FORBIDDEN').waitFor()
    assert.equal(await page.getByLabel('spend', { exact: true }).inputValue(), '1')
    assertQuiet(/status of 40[34]/)
  })
})
