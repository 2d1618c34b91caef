import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { startPrefixProxy } from '../server/prefixProxy.ts'
import { serveValues } from '../server/serveValues.ts'
import { replaceModel, trainSmall, valuesWorld } from '../server/valuesWorld.ts'
import { NO_CHROMIUM, openPage, startBrowser } from './browser.ts'
import { assertUsable, SIZES } from './sizes.ts'

describe('the view Model', { skip: NO_CHROMIUM }, async () => {
  if (NO_CHROMIUM) return
  const browser = await startBrowser()
  const world = await valuesWorld()
  const { server } = await serveValues(world)
  const prefixed = await startPrefixProxy(server.port, '/shop')
  const written = async (model = world.model) => JSON.parse(await readFile(join(model, 'model.json'), 'utf8'))
  const open = async (page: Page, root = server.url): Promise<void> => {
    await page.goto(`${root}/#/model`)
    await page.getByRole('heading', { name: 'On the test set' }).waitFor()
  }

  for (const size of SIZES)
    test(`at ${size.width} pixels, it shows what model.json tells`, async () => {
      const { page, assertQuiet } = await openPage(browser, server.url, size)
      await open(page)
      const { metrics, weights, constraints, epochs } = await written()
      await page.getByText(weights.sha256, { exact: true }).waitFor()
      const auc = page.getByRole('row', { name: /^AUC / })
      assert.equal(await auc.getByRole('cell').first().textContent(), metrics.auc.toFixed(4))
      for (const { name } of constraints) await page.getByRole('rowheader', { name, exact: true }).waitFor()
      await page.getByRole('figure', { name: 'Click rate by mean prediction' }).waitFor()
      const loss = page.getByRole('img', { name: /^Loss, epoch 1 to 3: training last/ })
      await loss.waitFor()
      assert.equal(epochs.length, 3)
      await page.getByText('No other model has been served since the start.').waitFor()
      await page.getByText('Settings and run').click()
      await page.getByText('learningRate').waitFor()
      await assertUsable(page)
      assertQuiet()
    })

  test('what moves scores is measured when somebody asks, and names the features of the model', async () => {
    const { page, assertQuiet } = await openPage(browser, server.url)
    await open(page)
    await page.getByRole('button', { name: 'Measure' }).click()
    await page.getByText(/Mean absolute effect on the logit, of \d+ restaurants in 10 lists/).waitFor()
    const names = await page.locator('.bars th').allTextContents()
    const { columns } = await written()
    for (const name of columns.userFeatures)
      assert.ok(names.includes(`user.${name}`), `${name} of ${String(names)}`)
    const effects = (await page.locator('.bars .number').allTextContents()).map(Number)
    assert.deepEqual(
      effects,
      effects.toSorted((a, b) => b - a),
    )
    assert.ok(effects[0] > 0)
    await assertUsable(page)
    assertQuiet()
  })

  test('a reload and a rollback are asked about first, done by keyboard, and told', async () => {
    const other = join(world.folder, 'other')
    await trainSmall({ data: world.data, out: other, seed: 9 })
    const [first, second] = [await written(), await written(other)]
    await replaceModel(world.model, other)
    const { page, assertQuiet } = await openPage(browser, prefixed.replace('/shop', ''))
    await open(page, prefixed)
    const client = new NearrankClient({ url: server.url })
    const served = async () => (await client.model()).checksum
    const cell = (at: number) => page.getByRole('row', { name: /^AUC / }).getByRole('cell').nth(at)
    assert.equal(await cell(0).textContent(), first.metrics.auc.toFixed(4))
    assert.ok((await cell(1).textContent())?.startsWith(second.metrics.auc.toFixed(4)))

    const reload = page.getByRole('button', { name: 'Reload…' })
    await reload.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Reload the model?' })
    await dialog.waitFor()
    await assertUsable(page)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await served(), first.weights.sha256)
    await page.locator('button:focus', { hasText: 'Reload…' }).waitFor()

    await reload.press('Enter')
    await dialog.getByRole('button', { name: 'Reload' }).press('Enter')
    await page.getByRole('status').getByText('Version 2 is served now.').waitFor()
    await page.getByText('The same model that is served.').waitFor()
    assert.equal(await served(), second.weights.sha256)

    await page.getByRole('button', { name: 'Roll back…' }).press('Enter')
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).press('Enter')
    await page.getByRole('status').getByText('Version 3 is served now.').waitFor()
    assert.equal(await served(), first.weights.sha256)
    await page.getByText(first.weights.sha256, { exact: true }).waitFor()
    assertQuiet()
  })

  test('a folder that cannot be served is told before and after', async () => {
    await writeFile(join(world.model, 'model.json'), '{')
    const { page, assertQuiet } = await openPage(browser, server.url)
    await open(page)
    await page.getByText(/model\.json: it is not valid JSON/).waitFor()
    await page.getByRole('button', { name: 'Reload…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Reload' }).click()
    await page.getByRole('alert').getByText('MODEL_REJECTED').waitFor()
    assertQuiet(/status of 422/)
  })
})
