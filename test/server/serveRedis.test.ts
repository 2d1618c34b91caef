import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { Random } from '../../src/random.ts'
import { startServer } from '../../src/server/startServer.ts'
import { CuttingProxy } from '../store/cuttingProxy.ts'
import { eventually, featureBytes } from '../store/redisRowsOfServer.ts'
import { NO_REDIS, redisServer } from '../store/redisServer.ts'
import { haversineM, Oracle } from './oracle.ts'
import type { RawConnection } from './rawConnection.ts'
import {
  assertProblemAnswer,
  CENTRE,
  makeWorld,
  NETWORK,
  openConnections,
  putRow,
  randomFeatures,
  rankedList,
} from './serverFixture.ts'

const CONNECTIONS = 24
const WISH = { ...CENTRE, candidate_restaurant_ids: [3], max_dist: 1e6 }

describe('serving from Redis', { skip: NO_REDIS, concurrency: false }, async () => {
  if (NO_REDIS) return
  const world = await makeWorld()
  const redis = await redisServer()
  const foreign = await redis.client()
  const proxy = await CuttingProxy.start(redis.port)
  const hash = (key: string, fields: Record<string, string | Buffer>) => [
    'HSET',
    `nearrank:${key}`,
    ...Object.entries(fields).flat(),
  ]
  await foreign.sendAll([
    ...Array.from(world.users, ([id, features]) =>
      hash(`user:${id}`, { features: featureBytes(...features) }),
    ),
    ...Array.from(world.restaurants, ([id, { features, latitude, longitude }]) =>
      hash(`restaurant:${id}`, {
        features: featureBytes(...features),
        latitude: String(latitude),
        longitude: String(longitude),
      }),
    ),
  ])
  const serve = (port: number) =>
    startServer({
      model: world.model,
      port: 0,
      workers: 3,
      logLevel: 'silent',
      drainSeconds: 1,
      store: `redis://127.0.0.1:${port}`,
    })
  const [server, other] = await Promise.all([serve(proxy.port), serve(redis.port)])
  after(async () => {
    await Promise.all([server.stop(), other.stop()])
    await proxy.close()
    await redis.remove()
  })
  const oracle = await Oracle.open(world.model, world)
  const connections = await openConnections(server.port, CONNECTIONS)
  const elsewhere = await openConnections(other.port, CONNECTIONS)
  // A connection without a request is closed after ten seconds, which a slow machine takes to come to the last of them.
  await Promise.all([...connections, ...elsewhere].map((connection) => connection.send('GET /health/live')))
  const [writer] = connections
  const random = new Random(9)
  const place = (id: string) => world.restaurants.get(id)!
  const scoreOf = async (features: number[]) => (await oracle.scores(features, [place('3')]))[0]
  const assertScore = async (connection: RawConnection, user: number, expected: number) => {
    const [{ score }] = await rankedList(connection, user, WISH)
    assert.ok(Math.abs(score - expected) < 1e-5, `${score}, must be ${expected}`)
  }

  test('it serves what a program that is not ours has written', async () => {
    const all = { ...CENTRE, max_dist: 1e6, size: 500 }
    await oracle.assertRanked(await rankedList(writer, 42, all), 42, all)
  })

  test('a row that was put is served by every thread from the acknowledgement on, by another server soon', async () => {
    for (let tries = 0; tries < 300; tries++) {
      const features = randomFeatures(random, NETWORK.userFeatures)
      const expected = await scoreOf(features)
      await putRow(writer, '/users/42', { features })
      await assertScore(connections[tries % CONNECTIONS], 42, expected)
      if (tries % 10 === 0)
        await eventually(() => assertScore(elsewhere[(tries / 10) % CONNECTIONS], 42, expected))
    }
  })

  test('a row that this server cannot use, or has not seen, is deleted from the store all the same', async () => {
    for (const rows of [
      ['nearrank:user:90055', 'features', 'junk'],
      ['nearrank:restaurant:90056', 'note', 'x'],
    ]) {
      const [key] = rows
      await foreign.send('HSET', ...rows)
      const [, side, id] = key.split(':')
      const { status } = await writer.send(`DELETE /${side}s/${id}`)
      assert.equal(status, 404)
      assert.equal(await foreign.send('EXISTS', key), 0)
    }
  })

  test('what somebody else writes, moves and takes out reaches every thread of every server', async () => {
    for (let tries = 0; tries < 30; tries++) {
      const features = randomFeatures(random, NETWORK.userFeatures)
      const moved = { latitude: CENTRE.latitude + random.float(), longitude: CENTRE.longitude }
      await foreign.send('HSET', 'nearrank:user:7', 'features', featureBytes(...features))
      await foreign.send(
        'HSET',
        'nearrank:restaurant:4',
        'latitude',
        String(moved.latitude),
        'longitude',
        String(moved.longitude),
      )
      const expected = await scoreOf(features)
      for (const connection of [connections[tries % CONNECTIONS], elsewhere[tries % CONNECTIONS]]) {
        await eventually(() => assertScore(connection, 7, expected))
        await eventually(async () => {
          const [found] = await rankedList(connection, 7, { ...WISH, candidate_restaurant_ids: [4] })
          assert.ok(Math.abs(found.displacement - haversineM(CENTRE, moved)) < 1e-3)
        })
        const near = await rankedList(connection, 7, { ...moved, max_dist: 1, size: 500 })
        assert.ok(
          near.some(({ id }) => id === 4),
          'also without candidates',
        )
      }
    }
    await foreign.send('DEL', 'nearrank:user:7', 'nearrank:restaurant:4')
    for (const connection of [...connections.slice(0, 6), ...elsewhere.slice(0, 6)])
      await eventually(async () => {
        assert.equal((await connection.send('POST /recommend/7', JSON.stringify(WISH))).status, 404)
        assert.deepEqual(await rankedList(connection, 8, { ...WISH, candidate_restaurant_ids: [4] }), [])
      })
  })

  const ready = async () => {
    const { status, body } = await writer.send('GET /health/ready')
    return { httpStatus: status, ...(JSON.parse(body) as { status: string; reasons: string[] }) }
  }

  test('without its connection it serves on and says so; afterwards it catches up with everything', async () => {
    const metric = async (name: string) => {
      const { body } = await writer.send('GET /metrics')
      return Number(new RegExp(`^${name} (.*)$`, 'm').exec(body)?.[1])
    }
    const before = await scoreOf(world.users.get('8')!)
    proxy.isRefusing = true
    proxy.cutAll()
    await eventually(async () => assert.equal((await ready()).status, 'degraded'))
    assert.deepEqual(
      { httpStatus: (await ready()).httpStatus, reasons: (await ready()).reasons },
      { httpStatus: 200, reasons: ['The store cannot be reached: features are served from memory.'] },
    )
    assert.equal(await metric('nearrank_store_connected'), 0)
    assert.ok((await metric('nearrank_store_lag_seconds')) > 0)
    const put = await writer.send('PUT /users/8', JSON.stringify({ features: world.users.get('9') }))
    assertProblemAnswer(put, 'STORE_UNAVAILABLE')
    const fresh = randomFeatures(random, NETWORK.userFeatures)
    const moved = { latitude: 10, longitude: 10 }
    await foreign.send('HSET', 'nearrank:user:8', 'features', featureBytes(...fresh))
    await foreign.send('HSET', 'nearrank:restaurant:5', 'latitude', '10', 'longitude', '10')
    await foreign.send('DEL', 'nearrank:user:9')
    for (const connection of connections) await assertScore(connection, 8, before)

    proxy.isRefusing = false
    const expected = await scoreOf(fresh)
    for (const connection of connections) {
      await eventually(() => assertScore(connection, 8, expected))
      await eventually(async () =>
        assert.equal((await connection.send('POST /recommend/9', JSON.stringify(WISH))).status, 404),
      )
      await eventually(async () =>
        assert.deepEqual(
          (await rankedList(connection, 8, { ...moved, max_dist: 1 })).map(({ id }) => id),
          [5],
        ),
      )
    }
    await eventually(async () => assert.equal((await ready()).status, 'ready'))
    assert.equal(await metric('nearrank_store_connected'), 1)
    assert.equal(await metric('nearrank_store_lag_seconds'), 0)
    await putRow(writer, '/users/8', { features: world.users.get('8')! })
    await assertScore(connections[5], 8, before)
  })

  test('while Redis takes no writes, it says so', async () => {
    await foreign.send('CONFIG', 'SET', 'maxmemory', '1')
    const put = () => writer.send('PUT /users/8', JSON.stringify({ features: world.users.get('8') }))
    assertProblemAnswer(await put(), 'STORE_UNAVAILABLE')
    const { httpStatus, status, reasons } = await ready()
    assert.deepEqual({ httpStatus, status }, { httpStatus: 200, status: 'degraded' })
    assert.match(reasons.join(), /^Writes to the store fail: its memory limit \(maxmemory\) is reached/)
    await foreign.send('CONFIG', 'SET', 'maxmemory', '0')
    await eventually(async () => assert.equal((await ready()).status, 'ready'))
  })

  test('after Redis has restarted empty, it serves on from memory and says so', async () => {
    const before = await scoreOf(world.users.get('8')!)
    await redis.kill()
    await redis.restart()
    await eventually(async () =>
      assert.match((await ready()).reasons.join(), /^The store has lost its rows: 0 users/),
    )
    const { httpStatus, status } = await ready()
    assert.deepEqual({ httpStatus, status }, { httpStatus: 200, status: 'degraded' })
    for (const connection of connections) await assertScore(connection, 8, before)
    const features = randomFeatures(random, NETWORK.userFeatures)
    await putRow(writer, '/users/8', { features })
    const expected = await scoreOf(features)
    for (const connection of connections) await assertScore(connection, 8, expected)
  })
})
