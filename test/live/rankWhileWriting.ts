import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Random } from '../../src/random.ts'
import { LiveRanker } from '../../src/live/ranker.ts'
import { liveWorld } from './liveFixture.ts'
import { normals, normalWeights, REFERENCE } from '../ranking/rankingFixture.ts'
import type { TornRowsJob, TornRowsReport } from './tornRowsJob.ts'

const RESTAURANTS = 48
const STATES = 7
const FAR = 3 // the state in which a restaurant is out of reach
const DELETED = 5
const USER_STATES = 5
const THREADS = 2
const where = { latitude: 13.8, longitude: 100.5, maxDistM: 5000 }

/** Threads that rank while this one writes `burst` changes, then pauses; asserts that every list could have been. */
export async function rankWhileWriting({
  rankings,
  burst,
  pauseMs,
  seed = 11,
}: {
  rankings: number // of each of the two threads
  burst: number
  pauseMs: number
  seed?: number
}): Promise<{ changes: number; changedLists: number }> {
  const { job, change } = town(rankings, seed)
  const workers = Array.from(
    { length: THREADS },
    (_, i) =>
      new Worker(new URL('./tornRowsWorker.ts', import.meta.url), {
        execArgv: [],
        workerData: { ...job, thread: i + 1 } satisfies TornRowsJob,
      }),
  )
  const reports = workers.map((worker) => once(worker, 'message') as Promise<[TornRowsReport]>)
  let changes = 0
  const ended = Promise.all(reports)
  do for (let i = 0; i < burst; i++) change(changes++)
  while (await Promise.race([sleep(pauseMs, true), ended.then(() => false)]))
  let changedLists = 0
  for (const [report] of await ended) {
    assert.deepEqual(report.problems, [])
    assert.equal(report.rankings, rankings)
    changedLists += report.changedLists
  }
  return { changes, changedLists }
}

/** Restaurants and a user, each of whose states has scores and distances of its own, known before anything runs. */
function town(rankings: number, seed: number) {
  const random = new Random(seed)
  const world = liveWorld({
    network: REFERENCE,
    weights: normalWeights(REFERENCE, random),
    threads: 1 + THREADS,
    rowsMax: { users: 1, restaurants: RESTAURANTS },
  })
  const users = Array.from({ length: USER_STATES }, () => normals(random, REFERENCE.userFeatures, 1))
  const places = Array.from({ length: STATES * RESTAURANTS }, (_, at) => ({
    features: normals(random, REFERENCE.restaurantFeatures, 1),
    latitude: where.latitude + (Math.floor(at / RESTAURANTS) === FAR ? 1 : 0.02 * random.float()),
    longitude: where.longitude + 0.02 * random.float(),
  }))
  const putUser = (state: number) => assert.ok(world.writer.putUser({ id: 0, features: users[state] }))
  const putRestaurant = (id: number, state: number) => {
    if (state === DELETED) world.writer.delete('restaurants', id)
    else world.writer.putRestaurant({ id, ...places[state * RESTAURANTS + id] })
  }

  const scores = new Float64Array(USER_STATES * STATES * RESTAURANTS).fill(Number.NaN)
  const distancesM = new Float64Array(STATES * RESTAURANTS).fill(Number.NaN)
  const ranker = new LiveRanker(world.memory, 0)
  for (let user = 0; user < USER_STATES; user++) {
    putUser(user)
    for (let state = 0; state < STATES; state++) {
      for (let id = 0; id < RESTAURANTS; id++) putRestaurant(id, state)
      assert.ok(ranker.setUser(0))
      const list = ranker.rank({
        ...where,
        size: RESTAURANTS,
        sortByDistance: false,
        candidateRestaurantIds: null,
      })
      assert.equal(list?.count, state === FAR || state === DELETED ? 0 : RESTAURANTS)
      for (let i = 0; i < list.count; i++) {
        const id = Number(ranker.idAt(list.rows[i]))
        scores[(user * STATES + state) * RESTAURANTS + id] = list.scores[i]
        distancesM[state * RESTAURANTS + id] = list.distancesM[i]
      }
    }
  }
  const known = [...scores, ...distancesM].filter((value) => !Number.isNaN(value))
  assert.equal(new Set(known).size, known.length, 'each score and distance tells its states')

  putUser(0)
  for (let id = 0; id < RESTAURANTS; id++) putRestaurant(id, 0)
  world.rebuildPlaces()
  const begun = new Int32Array(new SharedArrayBuffer(4 * (RESTAURANTS + 1)))
  const done = new Int32Array(new SharedArrayBuffer(4 * (RESTAURANTS + 1)))
  const job: TornRowsJob = {
    memory: world.memory,
    thread: 0,
    rankings,
    where,
    restaurants: RESTAURANTS,
    states: STATES,
    userStates: USER_STATES,
    absentStates: [FAR, DELETED],
    scores,
    distancesM,
    begun: begun.buffer,
    done: done.buffer,
  }
  /** One change after another; every fourth one is the user's. */
  const change = (n: number) => {
    const at = n % 4 === 3 ? RESTAURANTS : random.below(RESTAURANTS)
    const number = begun[at] + 1
    Atomics.store(begun, at, number)
    if (at === RESTAURANTS) putUser(number % USER_STATES)
    else putRestaurant(at, number % STATES)
    Atomics.store(done, at, number)
  }
  return { job, change }
}
