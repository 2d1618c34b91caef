import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { curlCommand } from '../../src/console/explore/curlCommand.ts'
import { startPrefixProxy } from '../server/prefixProxy.ts'
import { assertAccessible } from './axe.ts'
import { assertLooksAsRecorded, type CoarsePicture, coarsePicture, wrongCells } from './coarsePicture.ts'
import { NO_CHROMIUM, openPage, type PageOptions, startBrowser } from './browser.ts'
import { allRights, exploreServers, KEY } from './exploreWorld.ts'

const USER = 'u001015'

interface Ranked {
  id: number
  score: number
}

/** The parameters that the page's address holds, asked of the page: `page.url()` is told of changes later. */
const addressOf = async (page: Page) =>
  new URLSearchParams((await page.evaluate<string>('location.hash')).split('?')[1])

/** What the server itself answers to the request of an address, asked without the page's code. */
async function listOf(
  root: string,
  address: URLSearchParams,
  { prefix = '', key = '' } = {},
): Promise<Ranked[]> {
  const context = Object.fromEntries(
    [...address].flatMap(([name, value]) =>
      name.startsWith(`${prefix}c.`) ? [[name.slice(prefix.length + 2), value]] : [],
    ),
  )
  const answer = await fetch(`${root}/recommend/${address.get(`${prefix}user`)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== '' && { 'x-api-key': key }) },
    body: JSON.stringify({
      latitude: Number(address.get('lat')),
      longitude: Number(address.get('lon')),
      max_dist: Number(address.get('reach') ?? 5000),
      size: Number(address.get('size') ?? 20),
      sort_dist: address.get('order') === 'distance',
      context,
    }),
  })
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { restaurants: Ranked[] }).restaurants
}

/** Waits until a column shows a list, which it does as it comes. */
async function shows(column: Locator, wanted: readonly Ranked[]): Promise<void> {
  const lines = column.locator('.ranked-row')
  const found = () => lines.locator('.ranked-id').allTextContents()
  const ids = wanted.map(({ id }) => String(id))
  for (let tries = 0; tries < 200 && (await found()).join() !== ids.join(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(await found(), ids)
  const scores = await lines.locator('.ranked-score').allTextContents()
  assert.deepEqual(
    scores,
    wanted.map(({ score }) => score.toFixed(3)),
  )
}

describe('Explore', { skip: NO_CHROMIUM }, async () => {
  if (NO_CHROMIUM) return
  const browser = await startBrowser()
  const serve = await exploreServers()
  const server = await serve()
  const keyed = await serve({ apiKeys: allRights() })
  const prefixed = await startPrefixProxy(keyed.port, '/shop/ranking')
  const first = (page: Page) => page.locator('.request-column').first()

  const PLACES: [name: string, root: string, key: string, options: PageOptions][] = [
    ['at 1440 pixels, in the light', server.url, '', {}],
    ['at 1440 pixels, in the dark, with keys', keyed.url, KEY, { colorScheme: 'dark' }],
    ['at 360 pixels, in the light, behind a prefix, with keys', prefixed, KEY, { width: 360, height: 740 }],
    ['at 360 pixels, in the dark', server.url, '', { width: 360, height: 740, colorScheme: 'dark' }],
  ]
  for (const [name, root, key, options] of PLACES)
    test(`${name}: a random user's list, its pins and an explanation`, async () => {
      const { page, assertQuiet } = await openPage(browser, new URL(root).origin, options)
      await page.goto(`${root}/#/explore?reach=15000`)
      if (key !== '') {
        await assertAccessible(page)
        await page.getByLabel('API key').fill(key)
        await page.keyboard.press('Enter')
      }
      await first(page).locator('.ranked-row').first().waitFor()
      const wanted = await listOf(root, await addressOf(page), { key })
      assert.ok(wanted.length > 1)
      await shows(first(page), wanted)
      const pins = await page.locator('.pin').allTextContents()
      const ranks = wanted.map((_, i) => String(i + 1))
      assert.deepEqual(pins.toSorted(), ranks.toSorted())

      await first(page).locator('.ranked-row').nth(1).click()
      await page.getByText('Show all').click()
      assert.ok((await page.locator('.effects tbody tr').count()) > 10)
      assert.equal((await addressOf(page)).get('restaurant'), String(wanted[1].id))
      assert.equal(await page.locator('.pin.is-selected').textContent(), '2')
      await page.getByRole('button', { name: 'Compare with another' }).click()
      await page.locator('.request-column').nth(1).locator('.ranked-row').first().waitFor()
      await assertAccessible(page)
      const scrolled = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      assert.equal(scrolled, 0, 'nothing sticks out to the side')
      assertQuiet()
    })

  test('it looks as it was recorded, from far away', async () => {
    const address = `user=${USER}&lat=14.41&lon=100.93&reach=8000&size=12&c.time=2026-02-03T12:00&c.device=ios`
    const pictures: Record<string, CoarsePicture> = {}
    for (const width of [1440, 360])
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page } = await openPage(browser, server.url, { width, colorScheme })
        await page.goto(`${server.url}/#/explore?${address}`)
        await first(page).locator('.ranked-row').nth(11).waitFor()
        await page.locator('.pin').nth(11).waitFor()
        await page.getByText('Coast lines').waitFor() // drawn with them
        const name = `explore ${width} ${colorScheme}`
        pictures[name] = await coarsePicture(browser, page)
        assertLooksAsRecorded(name, pictures[name])
      }
    const [light, dark] = [pictures['explore 1440 light'], pictures['explore 1440 dark']]
    assert.ok(wrongCells(light, dark) > 80, 'the comparison sees what differs')
  })

  test('the effects of an explanation lead from the average to the score', async () => {
    const { page } = await openPage(browser, server.url)
    await page.goto(`${server.url}/`)
    const line = first(page).locator('.ranked-row').first()
    await line.click()
    await page.getByText('Show all').click()
    const words = (await page.locator('.explanation p').textContent()) ?? ''
    const numberOf = (text: string) => Number(text.replace('−', '-'))
    const [baseline, logit] = [...words.matchAll(/[+−]\d+\.\d\d/g)].map(([text]) => numberOf(text))
    const score = await line.locator('.ranked-score').textContent()
    assert.equal(/the score (0\.\d{3}):$/.exec(words.trim())?.[1], score)
    assert.ok(Math.abs(1 / (1 + Math.exp(-logit)) - Number(score)) < 0.005)
    const texts = await page.locator('.effect-size').allTextContents()
    const sum = texts.map(numberOf).reduce((all, effect) => all + effect, baseline)
    const rounding = 0.005 * texts.length + 0.01 // of each effect, of the average and of the sum
    assert.ok(Math.abs(sum - logit) <= rounding, `${sum} against ${logit}`)
  })

  test('an address shows somebody else the same', async () => {
    const [one, other] = [await openPage(browser, server.url), await openPage(browser, server.url)]
    await one.page.goto(`${server.url}/`)
    await first(one.page).locator('.ranked-row').first().waitFor()
    await one.page.getByLabel('Reach, km').fill('8')
    await one.page.getByLabel('Reach, km').press('Enter')
    await one.page.getByLabel('Restaurants', { exact: true }).fill('7')
    await one.page.getByLabel('Restaurants', { exact: true }).press('Enter')
    await one.page.getByLabel('Order').selectOption('nearest first')
    await first(one.page).getByLabel('device').selectOption('android')
    await first(one.page).getByLabel('time').fill('2026-02-03T21:30')
    await first(one.page).getByLabel('time').press('Enter')
    const address = await addressOf(one.page)
    assert.deepEqual(
      ['reach', 'size', 'order', 'c.device', 'c.time'].map((name) => address.get(name)),
      ['8000', '7', 'distance', 'android', '2026-02-03T21:30'],
    )
    const wanted = await listOf(server.url, address)
    assert.equal(wanted.length, 7)
    await shows(first(one.page), wanted)
    await other.page.goto(`${server.url}/#/explore?${address.toString()}`)
    await shows(first(other.page), wanted)
    assert.equal(await first(other.page).getByLabel('device').inputValue(), 'android')
    assert.deepEqual(await addressOf(other.page), address)
  })

  test('what is wrong with an address is told until something is changed', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    const note = page.locator('.explore-panel > [role=status]')
    for (const [hash, wanted] of [
      ['#/explore?lat=abc&lon=100.5&reach=15000', /lat must be .*found "abc"\. Shown instead: a place among/],
      ['#/explore?lat=14.4&reach=15000', /lon must be .*found none/], // typed over an address that is shown
      ['#/explor?reach=15000', /view "explor", .* this is explore\.$/],
    ] as const) {
      await page.goto(`${server.url}/${hash}`)
      await note.filter({ hasText: wanted }).waitFor()
      await first(page).locator('.ranked-row').first().waitFor()
      await page.waitForURL(/#\/explore\?.*lat=\d/) // filled in
      assert.match((await note.textContent()) ?? '', wanted)
    }
    await assertAccessible(page)
    await page.getByLabel('Restaurants', { exact: true }).fill('7')
    await page.getByLabel('Restaurants', { exact: true }).press('Enter')
    await note.waitFor({ state: 'detached' })
    await page.goto(`${server.url}/#/explore?lat=95&lon=100.5`)
    await note.waitFor()
    await page.goto(`${server.url}/#/explore?lat=14.4&lon=100.9`)
    await note.waitFor({ state: 'detached' })
    assertQuiet()
  })

  test('an address that is typed counts, whatever is decided by the one before until it is shown', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/explore?lat=14.4&lon=100.9`)
    await first(page).locator('.ranked-row').first().waitFor()
    await page.evaluate(`
      location.hash = '#/explore?lat=14.5&lon=100.8'
      document.querySelector('.ranked-row button, button.ranked-row').click()
    `)
    await page.waitForURL(/lat=14\.5&lon=100\.8/)
    await page.getByLabel('Restaurants', { exact: true }).fill('7')
    await page.getByLabel('Restaurants', { exact: true }).press('Enter')
    await page.waitForURL(/lat=14\.5&lon=100\.8.*size=7/)
    assertQuiet()
  })

  test('a place that is dragged, moved by keys or typed is ranked anew', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/`)
    await first(page).locator('.ranked-row').first().waitFor()
    const start = await addressOf(page)
    const box = (await page.locator('.place-pin').boundingBox()) ?? assert.fail('the place is on the map')
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 40, y + 10, { steps: 4 })
    await page.mouse.move(x + 90, y + 60, { steps: 6 })
    await page.mouse.up()
    const dragged = await addressOf(page)
    assert.ok(Number(dragged.get('lon')) > Number(start.get('lon')))
    assert.ok(Number(dragged.get('lat')) < Number(start.get('lat')))
    await shows(first(page), await listOf(server.url, dragged))

    await page.locator('.place-pin').focus()
    await page.keyboard.press('ArrowLeft')
    assert.ok(Number((await addressOf(page)).get('lon')) < Number(dragged.get('lon')))

    await page.getByLabel('Latitude').fill('95')
    await page.getByLabel('Latitude').press('Enter')
    await page.getByText('-90 to 90').waitFor()
    // What the map tells then takes the place of a text that was none, and of one that was put back by hand.
    await page.locator('.place-pin').focus()
    await page.keyboard.press('ArrowUp')
    await page.getByText('-90 to 90').waitFor({ state: 'detached' })
    assert.equal(await page.getByLabel('Latitude').inputValue(), (await addressOf(page)).get('lat'))
    await page.getByLabel('Latitude').press('End')
    await page.keyboard.type('1')
    await page.keyboard.press('Backspace')
    await page.locator('.place-pin').focus()
    await page.keyboard.press('ArrowUp')
    assert.equal(await page.getByLabel('Latitude').inputValue(), (await addressOf(page)).get('lat'))
    await page.getByLabel('Latitude').fill(start.get('lat') ?? '')
    await page.getByLabel('Latitude').press('Enter')
    await page.getByLabel('Longitude').fill(start.get('lon') ?? '')
    await page.getByLabel('Longitude').press('Enter')
    assert.equal((await addressOf(page)).toString(), start.toString())
    await shows(first(page), await listOf(server.url, start))
    assertQuiet()
  })

  test('two requests stand side by side, with how ranks differ', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.goto(`${server.url}/#/explore?reach=20000`)
    await first(page).locator('.ranked-row').first().waitFor()
    await page.getByRole('button', { name: 'Compare with another' }).click()
    const second = page.locator('.request-column').nth(1)
    const own = (await addressOf(page)).get('user')
    const { users } = (await (await fetch(`${server.url}/users?sample=9`)).json()) as {
      users: { user_id: string }[]
    }
    const other = users.find((user) => user.user_id !== own)!
    // The random user comes when the companion has been chosen, which must stay.
    let isChosen = () => {}
    const chosen = new Promise<void>((resolve) => (isChosen = resolve))
    await page.route(/\/users\?sample=1$/, async (route) => {
      await chosen
      await route.fulfill({ json: { users: [other] } })
    })
    await second.getByRole('button', { name: 'Random' }).click()
    await second.getByLabel('companion').selectOption('family')
    await page.waitForURL(/b\.c\.companion=family/)
    isChosen()
    await page.waitForURL(({ href }) => href.includes(`b.user=${other.user_id}`))
    const address = await addressOf(page)
    assert.equal(address.get('b.c.companion'), 'family')
    const lists = [await listOf(server.url, address), await listOf(server.url, address, { prefix: 'b.' })]
    assert.notDeepEqual(lists[0], lists[1])
    await shows(first(page), lists[0])
    await shows(second, lists[1])
    const shifts = await second
      .locator('.ranked-row')
      .evaluateAll((rows) => rows.map((row) => row.querySelector('.shift')?.textContent ?? ''))
    for (const [i, { id }] of lists[1].entries()) {
      const before = lists[0].findIndex((one) => one.id === id)
      const wanted = before === -1 ? /only here/ : before === i ? /^=$/ : before > i ? /higher/ : /lower/
      assert.match(shifts[i], wanted)
      if (before !== -1 && before !== i) assert.match(shifts[i], new RegExp(`${Math.abs(before - i)} `))
    }
    await second.getByRole('button', { name: 'Show on map' }).click()
    await second.getByRole('button', { name: 'On the map' }).waitFor()
    await second.getByRole('button', { name: 'Remove' }).click()
    await second.waitFor({ state: 'detached' })
    assert.equal((await addressOf(page)).get('b.user'), null)
    assertQuiet()
  })

  test('the curl command is copied, and an unknown user is told', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`${server.url}/#/explore?lat=13.75&lon=100.5`)
    await first(page).getByRole('button', { name: 'Copy curl' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const query = { latitude: 13.75, longitude: 100.5, size: 20, maxDistM: 5000 }
    assert.equal(
      await page.evaluate('navigator.clipboard.readText()'),
      curlCommand((await addressOf(page)).get('user') ?? '', query, { root: server.url, hasKey: false }),
    )
    await page.getByLabel('User id').fill('999999999')
    await page.getByLabel('User id').press('Enter')
    await page.getByRole('alert').getByText('UNKNOWN_USER').waitFor()
    assert.equal(await page.locator('.pin').count(), 0)
    assertQuiet(/status of 404/)
  })

  test('pins of one place are fanned out, the better on top, and the one that is pointed at above all', async () => {
    const own = await serve()
    const { page } = await openPage(browser, own.url)
    const some = new URLSearchParams(`user=${USER}&lat=14.41&lon=100.93&reach=8000&size=3`)
    for (const { id } of await listOf(own.url, some)) {
      const path = `${own.url}/restaurants/${id}`
      const row = (await (await fetch(path)).json()) as { features: object }
      const moved = { features: row.features, latitude: 10, longitude: 90 }
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(path, { method: 'PUT', headers, body: JSON.stringify(moved) })
      assert.equal(answer.status, 204)
    }
    await page.goto(`${own.url}/#/explore?user=${USER}&lat=9.9994&lon=90&reach=100`)
    const pin = (rank: number) => page.locator('.pin').getByText(String(rank), { exact: true })
    await pin(3).waitFor()
    const boxes = await Promise.all(
      [1, 2, 3].map(async (rank) => (await pin(rank).boundingBox()) ?? assert.fail()),
    )
    assert.deepEqual(
      boxes.map(({ x, y }) => [Math.round(x - boxes[0].x), Math.round(y - boxes[0].y)]),
      [
        [0, 0],
        [16, 0],
        [32, 0],
      ],
    )
    const rankAt = (x: number, y: number) =>
      page.evaluate(`document.elementFromPoint(${x}, ${y}).closest('.pin')?.textContent`)
    const [shared, y] = [boxes[1].x + 7, boxes[1].y + 5] // of the first and the second
    assert.equal(await rankAt(shared, y), '1')
    await page.mouse.move(boxes[1].x + 22, y)
    assert.equal(await rankAt(shared, y), '2')
  })

  test('--map-tiles draws tiles of that origin, and names whom they are from', async () => {
    const asked: string[] = []
    const tiles = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(200, { 'content-type': 'image/svg+xml' })
      response.end(
        '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="#cde"/></svg>',
      )
    })
    await new Promise<void>((resolve) => tiles.listen(0, '127.0.0.1', resolve))
    after(() => tiles.close())
    const origin = `http://127.0.0.1:${(tiles.address() as AddressInfo).port}`
    const tiled = await serve({
      mapTiles: `${origin}/{z}/{x}/{y}.svg`,
      mapAttribution: 'Tiles & <b>Sons</b>',
    })
    const { page, assertQuiet } = await openPage(browser, [tiled.url, origin])
    await page.goto(`${tiled.url}/`)
    await page.locator('.leaflet-tile-loaded').first().waitFor()
    await page.getByText('Tiles & <b>Sons</b>').waitFor()
    assert.match(asked[0], /^\/\d+\/\d+\/\d+\.svg$/)
    assertQuiet()
  })
})
