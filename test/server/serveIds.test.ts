import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { CENTRE, makeWorld, openConnections, serveWorld } from './serverFixture.ts'

const world = await makeWorld()
const features = world.users.get('1')!
const place = { ...world.restaurants.get('1')!, latitude: -30 } // nothing else is near

test('integer ids beyond 2^53 keep all their digits', async () => {
  const { port, url } = await serveWorld(world)
  const client = new NearrankClient({ url })
  const big = 2n ** 63n - 1n
  await client.putRestaurant(big, place)
  await client.putUser(-big, features)
  const { latitude, longitude } = place
  const candidateRestaurantIds = [big, big - 1n, Number.MAX_SAFE_INTEGER]
  const { restaurants } = await client.recommend(-big, { latitude, longitude, candidateRestaurantIds })
  assert.deepEqual(
    restaurants.map(({ id }) => id),
    [big],
  )
  const [connection] = await openConnections(port, 1)
  const wish = JSON.stringify({ latitude, longitude, max_dist: 1 })
  const { body } = await connection.send(`POST /recommend/${-big}`, wish)
  assert.match(body, /^\{"restaurants":\[\{"id":9223372036854775807,"score":/)
})

test('text ids of all kinds go the whole way', async () => {
  const folder = await temporaryFolder()
  const { url } = await serveWorld(world, {
    store: `sqlite:${join(folder, 'text.db')}`,
    ids: { users: 'string', restaurants: 'string' },
  })
  const client = new NearrankClient({ url })
  const ids = ['a/b', 'ü 🍜"\\', 'u00042', '42', 'a', '%2F', 'x'.repeat(256)]
  for (const id of ids) {
    await client.putUser(id, features)
    await client.putRestaurant(id, { ...place, ...CENTRE })
  }
  for (const id of ids) {
    const { restaurants } = await client.recommend(id, {
      ...CENTRE,
      candidateRestaurantIds: [id, `${id.slice(1)}-`],
    })
    assert.deepEqual(
      restaurants.map((one) => one.id),
      [id],
    )
  }
  const { restaurants } = await client.recommend('a/b', CENTRE)
  assert.deepEqual(
    restaurants.map(({ id }) => id),
    ids.toSorted(), // equal scores, so in the order of the ids
  )
})
