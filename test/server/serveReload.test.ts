import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { Random } from '../../src/random.ts'
import { eventually } from '../store/redisRowsOfServer.ts'
import { nanWeights, scoresOfModels, seedOf, USER, WISH } from './manyModels.ts'
import { Oracle } from './oracle.ts'
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
  saveSeed,
  serveWorld,
} from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const RELOADS = 10

test(`${RELOADS} reloads, then rollbacks, under load: none fails a request, none mixes two models, no update is lost`, async () => {
  const world = await makeWorld()
  const seeds = Array.from({ length: RELOADS + 1 }, (_, i) => 1 + i)
  const scores = await scoresOfModels(world, seeds)
  const { port, url } = await serveWorld(world)
  const client = new NearrankClient({ url, timeoutMs: 60_000 })
  const [writer, ...readers] = await openConnections(port, 7)
  const over = new AbortController()
  const seen = new Set<number>()
  const load = readers.slice(1).map(async (reader) => {
    while (!over.signal.aborted) seen.add(seedOf(await rankedList(reader, USER, WISH), scores))
  })
  // A restaurant changes all the time; what was acknowledged must be there with whichever model.
  const random = new Random(4)
  let written = 0
  const oracles = new Map<number, Oracle>()
  for (const seed of seeds) oracles.set(seed, await Oracle.open(join(world.folder, `model-${seed}`), world))
  const updates = (async () => {
    while (!over.signal.aborted) {
      const place = { features: randomFeatures(random, NETWORK.restaurantFeatures), ...CENTRE }
      await putRow(writer, '/restaurants/9000', place)
      const [{ score }] = await rankedList(writer, USER, { ...WISH, candidate_restaurant_ids: [9000] })
      const user = world.users.get(String(USER))!
      const legal = await Promise.all([...oracles.values()].map((oracle) => oracle.scores(user, [place])))
      assert.ok(
        legal.some(([one]) => Math.abs(one - score) < 1e-5),
        `update ${written} is lost: ${score}`,
      )
      written++
    }
  })()
  try {
    for (const seed of seeds.slice(1)) {
      await saveSeed(world.model, seed)
      const { version } = await client.reload()
      assert.equal(version, seed, 'versions count')
      for (const reader of readers)
        assert.equal(seedOf(await rankedList(reader, USER, WISH), scores), seed, 'every thread has it')
    }
    for (const [step, seed] of [RELOADS, RELOADS + 1, RELOADS].entries()) {
      const { version } = await client.rollback()
      assert.equal(version, RELOADS + 2 + step)
      assert.equal(seedOf(await rankedList(readers[0], USER, WISH), scores), seed, 'there and back again')
    }
    await eventually(() => assert.ok(written > 10))
  } finally {
    over.abort()
  }
  await Promise.all([...load, updates])
  assert.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    seeds,
  )
  assert.ok(written > 10, `${written} updates`)
})

test('a model that cannot be served is refused with its reason, and the one that is served stays', async () => {
  const world = await makeWorld()
  const { port } = await serveWorld(world)
  const [connection] = await openConnections(port, 1)
  const before = await rankedList(connection, USER, WISH)
  const refused = async (reason: RegExp) => {
    const answer = await connection.send('POST /admin/reload')
    assert.match(assertProblemAnswer(answer, 'MODEL_REJECTED'), reason)
    assert.deepEqual(await rankedList(connection, USER, WISH), before)
    assert.equal(
      (JSON.parse((await connection.send('GET /admin/model')).body) as { version: number }).version,
      1,
    )
  }
  assertProblemAnswer(await connection.send('POST /admin/rollback'), 'NO_PREVIOUS_MODEL')

  await saveSeed(world.model, 2, { prefix: 'g' })
  await refused(/features of users must be f00, f01, .* found g00/)
  await saveSeed(world.model, 2, { network: { ...NETWORK, userFeatures: 29 } })
  await refused(/must have 30 features of users \(f00, .*\), found 29/)
  await saveSeed(world.model, 2)
  const weights = join(world.model, 'weights.safetensors')
  const bytes = await readFile(weights)
  const damaged = Buffer.from(bytes)
  damaged[damaged.length - 5] ^= 1
  await writeFile(weights, damaged)
  await refused(/checksum|SHA-256|damaged/i)
  await writeFile(weights, bytes.subarray(0, 100))
  await refused(/weights\.safetensors/)
  await rm(world.model, { recursive: true })
  await refused(/found nothing there/)
  await saveSeed(world.model, 2)
  await nanWeights(world.model)
  await refused(/must be finite/)

  await saveSeed(world.model, 2)
  assert.equal((await connection.send('POST /admin/reload')).status, 200)
  assert.notDeepEqual(await rankedList(connection, USER, WISH), before)
  assertProblemAnswer(await connection.send('POST /admin/reload', '{"model":"x"}'), 'BAD_BODY')
})

test('reloads of the same model leave the one to which a rollback returns', async () => {
  const world = await makeWorld()
  const scores = await scoresOfModels(world, [1, 2])
  const { port } = await serveWorld(world)
  const [connection] = await openConnections(port, 1)
  const change = async (way: 'reload' | 'rollback') => {
    const answer = await connection.send(`POST /admin/${way}`)
    assert.equal(answer.status, 200, answer.body)
    return seedOf(await rankedList(connection, USER, WISH), scores)
  }
  assert.equal(await change('reload'), 1)
  assertProblemAnswer(await connection.send('POST /admin/rollback'), 'NO_PREVIOUS_MODEL')
  await saveSeed(world.model, 2)
  for (let times = 0; times < 3; times++) assert.equal(await change('reload'), 2)
  assert.equal(await change('rollback'), 1)
  assert.equal(await change('rollback'), 2)
})

test('of several reloads at a time one runs and the others are told so', async () => {
  const world = await makeWorld()
  const { port } = await serveWorld(world)
  const connections = await openConnections(port, 6)
  const answers = await Promise.all(connections.map((connection) => connection.send('POST /admin/reload')))
  const done = answers.filter(({ status }) => status === 200)
  assert.ok(done.length >= 1 && done.length < 6, `${done.length} reloads`)
  for (const answer of answers) if (answer.status !== 200) assertProblemAnswer(answer, 'RELOAD_RUNNING')
})

test('SIGHUP reloads under load; a model that cannot be served is told of in the log only', async () => {
  const world = await makeWorld()
  const scores = await scoresOfModels(world, [1, 2])
  const store = await world.newStore()
  const server = await ServeProcess.start(['--model', world.model, '--store', store, '--workers', '2'])
  const [probe, ...readers] = await openConnections(server.port, 5)
  const over = new AbortController()
  const ask = async (reader: RawConnection) => {
    while (!over.signal.aborted) seedOf(await rankedList(reader, USER, WISH), scores)
  }
  const load = Promise.all(readers.map(ask))
  try {
    await saveSeed(world.model, 2)
    server.signal('SIGHUP')
    await eventually(async () => assert.equal(seedOf(await rankedList(probe, USER, WISH), scores), 2))
    await writeFile(join(world.model, 'weights.safetensors'), 'x')
    server.signal('SIGHUP')
    await eventually(() =>
      assert.match(server.stderr, /"level":"(?:warn|error)".*weights\.safetensors.*the old one stays/),
    )
    await sleep(50)
    assert.equal(seedOf(await rankedList(probe, USER, WISH), scores), 2)
  } finally {
    over.abort()
  }
  await load
  server.signal('SIGTERM')
  assert.equal(await server.ended(), 0, server.stderr)
})
