import assert from 'node:assert/strict'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { saveModel } from '../../src/model/modelDirectory.ts'
import type { Network } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { PROBLEMS, type ProblemCode } from '../../src/server/problems/problems.ts'
import type { ServeOptions } from '../../src/server/serveOptions.ts'
import { type RunningServer, startServer } from '../../src/server/startServer.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { modelContent, randomWeights } from '../model/modelFixtures.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import type { Place, Ranked, Wish } from './oracle.ts'
import { type RawAnswer, RawConnection } from './rawConnection.ts'

export const USERS = 2000
export const RESTAURANTS = 500
/** All restaurants are within 50 km of it. */
export const CENTRE = { latitude: 13.876, longitude: 100.58 }
export const NETWORK: Network = {
  userFeatures: 30,
  restaurantFeatures: 10,
  hidden: [24, 16],
  activations: ['none', 'relu'],
}

/** All that a server needs: a model and, to be copied, a store that is filled already. */
export interface World {
  folder: string
  model: string
  users: Map<string, number[]>
  restaurants: Map<string, Place>
  /** The address of a SQLite file of its own for one server, filled. */
  newStore(): Promise<string>
}

/** 2,000 users, 500 restaurants and a model, all random; gone after the test file. Not to be called in a hook. */
export async function makeWorld(): Promise<World> {
  const folder = await temporaryFolder()
  const model = join(folder, 'model')
  await saveSeed(model, 1)
  const random = new Random(11)
  const users = new Map<string, number[]>()
  const restaurants = new Map<string, Place>()
  for (let id = 0; id < USERS; id++) users.set(String(id), randomFeatures(random, NETWORK.userFeatures))
  for (let id = 0; id < RESTAURANTS; id++)
    restaurants.set(String(id), {
      features: randomFeatures(random, NETWORK.restaurantFeatures),
      latitude: CENTRE.latitude + 0.6 * (random.float() - 0.5),
      longitude: CENTRE.longitude + 0.6 * (random.float() - 0.5),
    })
  const filled = join(folder, 'filled.db')
  const { userFeatures, restaurantFeatures } = NETWORK
  const store = await openSqliteStore(filled, {
    layout: { users: { features: userFeatures }, restaurants: { features: restaurantFeatures } },
  })
  await store.write([
    ...Array.from(users, ([id, features]) => ({
      side: 'users' as const,
      id: Number(id),
      features: Float32Array.from(features),
    })),
    ...Array.from(restaurants, ([id, place]) => ({
      ...place,
      side: 'restaurants' as const,
      id: Number(id),
      features: Float32Array.from(place.features),
    })),
  ])
  await store.close()
  let stores = 0
  const newStore = async () => {
    const path = join(folder, `features-${++stores}.db`)
    await copyFile(filled, path)
    return `sqlite:${path}`
  }
  return { folder, model, users, restaurants, newStore }
}

/** Features that a 32-bit float holds exactly. */
export function randomFeatures(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => Math.fround(2 * random.normal()))
}

/** Saves the model whose weights are those of `seed`, over the one that is there. */
export async function saveSeed(
  directory: string,
  seed: number,
  { network = NETWORK, prefix = 'f' }: { network?: Network; prefix?: string } = {},
): Promise<void> {
  const names = (count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(2, '0')}`)
  const content = modelContent(network, seed)
  const columns = {
    ...content.columns,
    userFeatures: names(network.userFeatures),
    restaurantFeatures: names(network.restaurantFeatures),
  }
  const weights = randomWeights(network, seed)
  await saveModel(directory, { description: { ...content, columns }, weights, report: '' })
}

/** A server of this process on a free port, with 2 threads; stopped after the test file. Not to be called in a hook. */
export async function serveWorld(
  world: Pick<World, 'model' | 'newStore'>,
  options: Partial<ServeOptions> = {},
): Promise<RunningServer & { url: string }> {
  const server = await startServer({
    model: world.model,
    port: 0,
    workers: 2,
    logLevel: 'silent',
    drainSeconds: 1,
    store: options.store ?? (await world.newStore()),
    ...options,
  })
  after(() => server.stop())
  return { ...server, url: `http://127.0.0.1:${server.port}` }
}

/** So many connections, spread over all threads that listen; closed after the test file. */
export async function openConnections(port: number, count: number): Promise<RawConnection[]> {
  const connections = await Promise.all(Array.from({ length: count }, () => RawConnection.open(port)))
  after(() => {
    for (const connection of connections) connection.close()
  })
  return connections
}

/** A ranked list, which there must be. */
export async function rankedList(
  connection: RawConnection,
  user: string | number,
  wish: Wish,
): Promise<Ranked[]> {
  const { status, body } = await connection.send(`POST /recommend/${user}`, JSON.stringify(wish))
  assert.equal(status, 200, body)
  return (JSON.parse(body) as { restaurants: Ranked[] }).restaurants
}

/** Puts a row in and waits for the acknowledgement. */
export async function putRow(connection: RawConnection, path: string, row: object): Promise<void> {
  const { status, body } = await connection.send(`PUT ${path}`, JSON.stringify(row))
  assert.equal(status, 204, body)
}

/** Asserts that an answer is a problem of the table, whole; of the given code if there is one. Returns its detail. */
export function assertProblemAnswer({ status, headers, body }: RawAnswer, code?: ProblemCode): string {
  assert.match(headers['content-type'] ?? '', /^application\/problem\+json(;|$)/, body)
  const problem = JSON.parse(body) as Record<'type' | 'title' | 'detail' | 'code', string>
  assert.ok(Object.hasOwn(PROBLEMS, problem.code), body)
  if (code !== undefined) assert.equal(problem.code, code, body)
  const kind = PROBLEMS[problem.code as ProblemCode]
  assert.equal(status, kind.status, body)
  assert.equal(problem.title, kind.title)
  for (const [name, value] of Object.entries(kind.headers ?? {})) assert.equal(headers[name], value)
  return problem.detail
}
