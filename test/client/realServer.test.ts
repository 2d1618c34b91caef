import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { buildApp } from '../../src/server/app.ts'
import type { StoreLayout } from '../../src/store/featureStore.ts'
import { fakeServices, MODEL } from '../server/fakeServices.ts'

const PLACE = { latitude: 13.8, longitude: 100.5 }

/** The server's own application over `fakeServices`, listening. */
async function realServer(layout?: StoreLayout) {
  const services = fakeServices(layout)
  const app = buildApp({ services })
  after(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { services, client: new NearrankClient({ url, retries: 0 }) }
}

describe("against the server's own routes", () => {
  test('rows are put in, read, and taken out', async () => {
    const { client } = await realServer()
    for (const id of [0, 42, 2n ** 53n + 1n, -(2n ** 63n)]) {
      assert.equal(await client.getUser(id), undefined)
      await client.putUser(id, [1e16, -2.5, 3e38])
      assert.deepEqual(await client.getUser(id), { id, features: [1e16, -2.5, 3e38] })
      assert.equal(await client.deleteUser(id), true)
      assert.equal(await client.deleteUser(id), false)
    }
    await client.putRestaurant(7, { features: [1, 2], ...PLACE })
    assert.deepEqual(await client.getRestaurant(7), { id: 7, features: [1, 2], ...PLACE })
    assert.equal(await client.deleteRestaurant(7), true)
    assert.equal(await client.getRestaurant(7), undefined)
  })

  test('string ids arrive as they are', async () => {
    const { client } = await realServer({
      users: { features: 1, ids: 'string' },
      restaurants: { features: 1, ids: 'string' },
    })
    for (const id of ['42', 'u00042', 'a/b', 'a?b#c', '50%', 'ü ñ', '../x', '%2e%2e', '/', '\\', '🍜']) {
      await client.putUser(id, [1])
      assert.deepEqual(await client.getUser(id), { id, features: [1] })
    }
  })

  test('many rows in several requests', async () => {
    const { client, services } = await realServer()
    function* rows() {
      for (let i = 0; i < 12_000; i++) yield { userId: i, features: [i / 3, i / 7, i / 9] }
      yield { restaurantId: 2n ** 60n, features: [1, 2], ...PLACE }
      yield { userId: 5, deleted: true } as const
    }
    const done = await client.putFeatures(rows())
    assert.deepEqual(done, { users: 12_000, restaurants: 1, deleted: 1 })
    assert.equal(services.rows.size, 12_000)
    const wanted = [11_999 / 3, 11_999 / 7, 11_999 / 9].map(Math.fround)
    assert.deepEqual((await client.getUser(11_999))?.features.map(Math.fround), wanted)
    assert.equal((await client.getRestaurant(2n ** 60n))?.id, 2n ** 60n)
  })

  test('what is wrong is told as the server tells it', async () => {
    const { client } = await realServer()
    await assert.rejects(client.putUser(1, [1, 2]), { status: 400, code: 'BAD_BODY', detail: /^Cannot .*3/ })
    const wrong = { restaurantId: 1, features: [1, 2], latitude: 91, longitude: 0 }
    await assert.rejects(client.putFeatures([wrong]), {
      status: 400,
      message: /^Cannot put rows 0 to 0: .*latitude/,
    })
    await assert.rejects(client.recommend(1, PLACE), { status: 404, code: 'UNKNOWN_ROUTE' }) // ranked elsewhere
  })

  test('models and readiness', async () => {
    const { client, services } = await realServer()
    assert.deepEqual(await client.model(), MODEL)
    assert.deepEqual(await client.reload(), { ...MODEL, version: 2 })
    assert.deepEqual(await client.rollback(), MODEL)
    assert.deepEqual(await client.ready(), { ready: true, status: 'ready', reasons: [] })
    Object.assign(services.state, { ready: false, reasons: ['The features are still being read.'] })
    const reasons = ['The features are still being read.']
    assert.deepEqual(await client.ready(), { ready: false, status: 'not ready', reasons })
  })
})
