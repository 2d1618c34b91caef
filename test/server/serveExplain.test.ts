import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { generate } from '../../src/dataset/generator/generate.ts'
import { readRequests } from '../../src/dataset/requests.ts'
import { requestId } from '../../src/ids.ts'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import { scoreOf } from '../../src/model/scoreOf.ts'
import { recommend } from '../../src/ranking/recommend.ts'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import { train } from '../../src/training/train.ts'
import { runCli } from '../cli/runCli.ts'
import { SMALL_REALISTIC } from '../dataset/realisticFixture.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import type { Ranked } from './oracle.ts'
import { type RawAnswer, type RawConnection, requestBytes } from './rawConnection.ts'
import { assertProblemAnswer, openConnections, putRow, serveWorld } from './serverFixture.ts'

interface Explained extends Ranked {
  explanation: {
    baseline: number
    logit: number
    features: { feature: string; effect: number; value: unknown; encoded: string }[]
  }
}

// Features of every source: ids, lists, nulls, dates, a context, distances and overlaps.
const folder = await temporaryFolder()
const data = join(folder, 'data')
const model = join(folder, 'model')
await generate({ ...SMALL_REALISTIC, users: 1500, out: data }) // few enough for all to be in the average
await train({
  data,
  out: model,
  ids: 'both',
  contextFeatures: ['time', 'device', 'companion'],
  hidden: [12, 8],
  activations: ['relu', 'relu'],
  epochs: 2,
  batchSize: 256,
  warmupSteps: 10,
  validation: 0,
  threads: 1,
})
const CONTEXT = { time: '2026-02-03T12:40:00Z', device: 'ios' }
const [asked] = await readRequests(join(data, 'requests.parquet'), { limit: 1 })
const wish = {
  candidate_restaurant_ids: (asked.candidateRestaurantIds ?? []).map(requestId),
  latitude: asked.latitude,
  longitude: asked.longitude,
  max_dist: 20_000,
  size: 30,
  context: CONTEXT,
}
const user = String(asked.userId)
let stores = 0
const serve = (options = {}) =>
  serveWorld(
    { model, newStore: async () => `sqlite:${join(folder, `s${stores++}.db`)}` },
    { fill: { data }, ...options },
  )
const served = await serve({ candidatesMax: 400 })
const [connection] = await openConnections(served.port, 1)

const send = (to: RawConnection, body: object, id = user): Promise<RawAnswer> =>
  to.send(`POST /recommend/${id}`, JSON.stringify(body))
const listOf = ({ status, body }: RawAnswer): Explained[] => {
  assert.equal(status, 200, body)
  return (JSON.parse(body) as { restaurants: Explained[] }).restaurants
}
const explained = async (body: object = wish, id = user) =>
  listOf(await send(connection, { ...body, explain: true }, id))
const bare = (list: Explained[]) => list.map(({ id, score, displacement }) => ({ id, score, displacement }))
const featureOf = ({ explanation }: Explained, name: string) =>
  explanation.features.find(({ feature }) => feature === name)!

/** Asserts that effects add up, and that the logit is that of the score. */
function assertAddsUp({ score, explanation }: Explained): void {
  const { baseline, logit, features } = explanation
  const sum = features.reduce((total, { effect }) => total + effect, baseline)
  assert.ok(Math.abs(sum - logit) < 1e-9 * features.length, `${sum} ${logit}`)
  assert.ok(Math.abs(1 / (1 + Math.exp(-logit)) - score) < 1e-6, `${logit} ${score}`)
}

test('the list is that of the same request without explain, and every logit is made up of its effects', async () => {
  for (const body of [
    wish,
    { ...wish, sort_dist: true, size: 3 },
    { ...wish, candidate_restaurant_ids: undefined, max_dist: 2000 },
  ]) {
    const list = await explained(body)
    assert.ok(list.length >= 3, `${list.length}`)
    assert.deepEqual(bare(list), listOf(await send(connection, body)))
    for (const one of list) {
      assertAddsUp(one)
      assert.equal(one.explanation.baseline, list[0].explanation.baseline)
      const { features } = one.explanation
      assert.equal(features.length, 16)
      assert.ok(Math.abs(features[0].effect) >= Math.abs(features[1].effect))
    }
    const [first] = list
    const effects = first.explanation.features.filter(({ effect }) => effect !== 0)
    assert.ok(effects.length > 10, 'most features count')
    assert.deepEqual(featureOf(first, 'pair.distance').value, first.displacement)
  }
})

test('values are those that the server gives back, the context is what was told', async () => {
  const [first] = await explained()
  for (const [name, path] of [
    ['user', `/users/${user}`],
    ['restaurant', `/restaurants/${first.id}`],
  ]) {
    const { body } = await connection.send(`GET ${path}`)
    const { features } = JSON.parse(body) as { features: Record<string, unknown> }
    for (const { feature, value } of first.explanation.features) {
      const [source, column] = feature.split('.')
      if (source !== name || column.endsWith('_id')) continue
      assert.deepEqual(value, features[column] ?? null, feature)
    }
  }
  assert.equal(featureOf(first, 'user.user_id').value, user)
  assert.equal(featureOf(first, 'restaurant.restaurant_id').value, first.id)
  assert.equal(featureOf(first, 'context.device').value, 'ios')
  assert.equal(featureOf(first, 'context.companion').value, null)
  assert.equal(featureOf(first, 'context.companion').encoded, 'missing')
  assert.match(featureOf(first, 'context.time').encoded, /hour 12/)
  const [now] = await explained({ ...wish, context: undefined })
  const age = Date.now() - Date.parse(String(featureOf(now, 'context.time').value))
  assert.ok(age >= 0 && age < 60_000, `${age}`)
})

test('recommend() and the command line explain the same', async () => {
  const { latitude, longitude, size, context } = wish
  const request = {
    candidateRestaurantIds: wish.candidate_restaurant_ids,
    latitude,
    longitude,
    size,
    context,
    maxDistM: wish.max_dist,
    sortByDistance: false,
    explain: true as const,
  }
  const { restaurants } = await recommend({ user, request }, { data, model })
  const list = await explained()
  assert.equal(restaurants.length, list.length)
  for (const [i, { id, explanation }] of restaurants.entries()) {
    assert.equal(id, list[i].id)
    assert.ok(Math.abs(explanation!.baseline - list[i].explanation.baseline) < 1e-6)
    for (const { feature, effect, ...told } of explanation!.features) {
      const other = featureOf(list[i], feature)
      assert.ok(Math.abs(effect - other.effect) < 1e-6, feature)
      assert.deepEqual(told, { value: other.value, encoded: other.encoded })
    }
  }
  const args = ['recommend', '--data', data, '--model', model, '--user', user, '--explain', '--size', '2']
  const where = `--latitude ${latitude} --longitude ${longitude} --max-dist 20000`
  const place = [...where.split(' '), '--candidates', wish.candidate_restaurant_ids.join(',')]
  const [text, json] = await Promise.all([runCli([...args, ...place]), runCli([...args, ...place, '--json'])])
  assert.equal(json.code, 0, json.stderr)
  const told = (JSON.parse(json.stdout) as { restaurants: Explained[] }).restaurants
  assert.equal(told.length, 2)
  for (const one of told) assertAddsUp(one)
  const [{ id, explanation }] = told
  assert.match(
    text.stdout,
    new RegExp(
      `^1\\. restaurant ${id}: score 0\\.\\d{4}, logit [+−][\\d.]+ = [+−][\\d.]+ of the average`,
      'm',
    ),
  )
  assert.match(text.stdout, /^effect +feature +value +encoded$/m)
  assert.match(text.stdout, /^ *[+−]?[\d.]+ +4 others$/m)
  const { feature, encoded } = explanation.features[0]
  assert.ok(text.stdout.split('\n').some((line) => line.includes(` ${feature} `) && line.endsWith(encoded)))
})

test('the typed client asks for them and reads them', async () => {
  const client = new NearrankClient({ url: served.url })
  const { latitude, longitude } = wish
  const { restaurants } = await client.recommend(user, {
    candidateRestaurantIds: wish.candidate_restaurant_ids,
    latitude,
    longitude,
    maxDistM: 20_000,
    size: 2,
    explain: true,
  })
  assert.equal(restaurants.length, 2)
  for (const { score, explanation, id, displacementM } of restaurants)
    assertAddsUp({ id: Number(id), score, displacement: displacementM, explanation: explanation! })
})

test('an unknown user is told as such; what was just put, or loaded, is what explains', async () => {
  const copy = join(folder, 'copy')
  await cp(model, copy, { recursive: true })
  const server = await serve({ model: copy, unknownUser: 'average' })
  const [own] = await openConnections(server.port, 1)
  const body = { ...wish, explain: true }
  const answer = await send(own, body, 'nobody')
  assert.equal(answer.headers['nearrank-user'], 'average')
  const [average] = listOf(answer)
  assertAddsUp(average)
  assert.deepEqual(featureOf(average, 'user.age').encoded, 'unknown user, the mean instead')
  assert.equal(featureOf(average, 'user.age').value, null)
  await putRow(own, '/users/nobody', {
    features: { age: 77, gender: 'never seen', home_latitude: 13.8, home_longitude: 100.5 },
  })
  const [known] = listOf(await send(own, body, 'nobody'))
  assertAddsUp(known)
  assert.deepEqual(featureOf(known, 'user.age').value, 77)
  assert.equal(featureOf(known, 'user.gender').encoded, 'unseen in training')
  assert.equal(featureOf(known, 'user.user_id').value, 'nobody')

  const { description, weights } = await loadModelFiles(model)
  for (const { data: numbers } of weights.values()) for (const i of numbers.keys()) numbers[i] *= 1.1
  await saveModel(copy, { description, weights, report: '' })
  await server.reload()
  const list = listOf(await send(own, body, 'nobody'))
  for (const one of list) assertAddsUp(one)
  assert.deepEqual(bare(list), listOf(await send(own, wish, 'nobody')))
  assert.ok(Math.abs(list[0].explanation.baseline - known.explanation.baseline) > 1e-3)
})

test('scores of a model that only orders are those of its logits, in the same order', async () => {
  const ordering = join(folder, 'ordering')
  const { description, weights } = await loadModelFiles(model)
  await saveModel(ordering, { description: { ...description, scores: 'order' }, weights, report: '' })
  const server = await serveWorld(
    { model: ordering, newStore: async () => `sqlite:${join(folder, 'ordering.db')}` },
    { fill: { data } },
  )
  const [own] = await openConnections(server.port, 1)
  const body = { ...wish, explain: true }
  const list = listOf(await send(own, body))
  assert.deepEqual(bare(list), listOf(await send(own, wish)))
  for (const { score, explanation } of list)
    assert.ok(Math.abs(score - scoreOf(explanation.logit, 'order')) < 1e-6)
  const probabilities = await explained()
  assert.deepEqual(
    list.map(({ id }) => id),
    probabilities.map(({ id }) => id),
  )
})

test('what is wrong is refused as without explain, and a list that is too long', async () => {
  const refused = async (body: object, code: Parameters<typeof assertProblemAnswer>[1], id = user) =>
    assertProblemAnswer(await send(connection, { ...wish, explain: true, ...body }, id), code)
  assert.equal(
    await refused({ size: 101 }, 'BAD_BODY'),
    'Cannot use the request: size must be at most 100 with explain, found 101',
  )
  listOf(await send(connection, { ...wish, size: 101 }))
  assert.equal((await explained({ ...wish, size: 100 })).length > 0, true)
  assert.match(await refused({ explain: 1 }, 'BAD_BODY'), /explain must be true or false, found 1$/)
  assert.match(await refused({ context: { rain: 1 } }, 'BAD_BODY'), /its context may tell .* found "rain"/)
  await refused({}, 'UNKNOWN_USER', 'nobody')
  const many = Array.from({ length: 401 }, (_, i) => i)
  assert.match(await refused({ candidate_restaurant_ids: many }, 'TOO_MANY_CANDIDATES'), /at most 400 ids/)
  assert.deepEqual(await explained({ ...wish, candidate_restaurant_ids: [] }), [])
})

test('requests with and without explain are answered in their order on one connection', async () => {
  const plain = JSON.stringify(wish)
  const explaining = JSON.stringify({ ...wish, size: 5, explain: true })
  const wanted = (await send(connection, wish)).body
  const bodies = Array.from({ length: 12 }, (_, i) => (i % 3 === 1 ? explaining : plain))
  const answers = bodies.map(() => connection.next())
  connection.write(Buffer.concat(bodies.map((body) => requestBytes(`POST /recommend/${user}`, body))))
  for (const [i, answer] of (await Promise.all(answers)).entries())
    if (i % 3 === 1) for (const one of listOf(answer)) assertAddsUp(one)
    else assert.equal(answer.body, wanted)
})

test('more lists than are explained at a time are turned away, and rankings are not', async () => {
  const connections = await openConnections(served.port, 40)
  const answers = await Promise.all(
    connections.map((one, i) => send(one, i % 2 === 0 ? { ...wish, explain: true } : wish)),
  )
  const codes = new Set<number>()
  for (const [i, answer] of answers.entries()) {
    if (i % 2 === 1) assert.equal(answer.status, 200)
    else codes.add(answer.status)
    if (answer.status !== 200) assertProblemAnswer(answer, 'OVERLOADED')
    else for (const one of listOf(answer)) if (i % 2 === 0) assertAddsUp(one)
  }
  assert.ok(codes.has(200))
})

test('a key needs the right to read', async () => {
  const hash = (key: string) => createHash('sha256').update(key).digest('hex')
  const keys = ['read', 'write'] as const
  const entries = keys.map((right) => ({ name: right, sha256: hash(`key-${right}`), rights: [right] }))
  const { port } = await serve({ apiKeys: new ApiKeys(entries) })
  const [own] = await openConnections(port, 1)
  const body = JSON.stringify({ ...wish, explain: true })
  for (const [key, code] of [
    ['key-read', undefined],
    ['key-write', 'FORBIDDEN'],
    ['key-none', 'UNAUTHENTICATED'],
  ] as const) {
    const answer = await own.send(`POST /recommend/${user}`, body, { authorization: `Bearer ${key}` })
    if (code === undefined) assertAddsUp(listOf(answer)[0])
    else assertProblemAnswer(answer, code)
  }
})
