// node bench/ranking.ts [--json]: where the time of one request goes, on one thread, without HTTP. Takes ten seconds.
import { availableParallelism, cpus } from 'node:os'
import { renderTable } from '../src/cli/output/table.ts'
import { keepWithin } from '../src/geo/greatCircle.ts'
import { keepInReach } from '../src/geo/placeCells.ts'
import { buildPlaceIndex, PlaceIndex } from '../src/geo/placeIndex.ts'
import { initialState } from '../src/model/initialize.ts'
import type { Network } from '../src/model/network.ts'
import { Random } from '../src/random.ts'
import { LiveRanker, type LiveRequest, type RankerMemory } from '../src/live/ranker.ts'
import { createLiveMemory, type LiveTables, openLiveTables } from '../src/live/tables.ts'
import { LiveWriter } from '../src/live/writer.ts'
import { PairScorer } from '../src/ranking/pairScorer.ts'
import { createScoringMemory } from '../src/ranking/scoringMemory.ts'
import { topKInto } from '../src/ranking/topK.ts'
import { timeCalls, type Timing, timingText } from './measure.ts'
import { pairScores } from './pairScores.ts'

const NETWORK: Network = {
  userFeatures: 30,
  restaurantFeatures: 10,
  hidden: [256, 128],
  activations: ['none', 'relu'],
}
const USERS = 100_000
const RESTAURANTS = 100_000
const CANDIDATES = 1000
const REQUESTS = 64 // few enough for their ids to stay in the cache, where parsing leaves them; the restaurants' rows do not
const SOUTH = 13.581327544528989
const NORTH = 14.171447685944495
const WEST = 100.30471258549801
const EAST = 100.85824174657563

export interface RankingLine {
  part: string
  timing: Timing
}

interface BenchRequest extends LiveRequest {
  user: number
  candidateRestaurantIds: number[]
}

/**
 * Requests of the reference's kind, drawn with a seed: whole ones, and the parts of one as far as they can be had from outside. The
 * parts are the same calls that a request makes, over the same memory.
 */
export function benchRanking(): RankingLine[] {
  const { memory, tables, scorer } = town()
  const ranker = new LiveRanker(memory, 1)
  const requests = drawRequests()
  const lines: RankingLine[] = []
  const time = (
    part: string,
    run: (request: BenchRequest) => void,
    { calls = 64, rounds = 60, warmUp = 3000 } = {},
  ) => {
    let next = 0
    const timing = timeCalls(() => run(requests[next++ % REQUESTS]), { calls, rounds, warmUp })
    lines.push({ part, timing })
  }
  const few = { calls: 4, rounds: 40, warmUp: 200 }
  const whole = (change: Partial<LiveRequest>) => (request: BenchRequest) => {
    ranker.setUser(request.user)
    if (ranker.rank({ ...request, ...change }) === undefined) throw new Error('a score is not finite')
  }
  time('request: 1,000 candidates, 45 in reach, best 100', whole({}))
  time('the same, nearest 100', whole({ sortByDistance: true }))
  time('request: 1,000 candidates, all in reach, best 100', whole({ maxDistM: 1e6 }))
  time('the same, all 1,000 in order', whole({ maxDistM: 1e6, size: CANDIDATES }))
  time('request without candidates: all within 5 km', whole({ candidateRestaurantIds: null, maxDistM: 5000 }))
  time('the same: all 100,000', whole({ candidateRestaurantIds: null, maxDistM: 1e6 }), few)
  return [...lines, ...benchParts(requests, tables, scorer, ranker)]
}

function benchParts(
  requests: BenchRequest[],
  tables: LiveTables,
  scorer: PairScorer,
  ranker: LiveRanker,
): RankingLine[] {
  const { ids } = tables.restaurants
  const rowsOf = new Map(
    requests.map((request) => [
      request,
      Uint32Array.from(request.candidateRestaurantIds, (id) => ids.rowOf(id)),
    ]),
  )
  const candidates = new Uint32Array(CANDIDATES)
  const rows = new Uint32Array(CANDIDATES)
  const distancesM = new Float64Array(CANDIDATES)
  const logits = new Float64Array(CANDIDATES)
  const random = new Random(9)
  const keys = Float64Array.from({ length: CANDIDATES }, () => random.normal())
  const order = new Uint32Array(CANDIDATES)
  const scorePairs = pairScores(random, RESTAURANTS, CANDIDATES)
  const isBefore = (rowA: number, rowB: number) => ids.isBefore(rowA, rowB)
  const parts: [part: string, run: (request: BenchRequest) => void][] = [
    ['part: setUser', ({ user }) => ranker.setUser(user)],
    [
      'part: 1,000 ids to rows',
      ({ candidateRestaurantIds }) => {
        for (let i = 0; i < CANDIDATES; i++) candidates[i] = ids.rowOf(candidateRestaurantIds[i])
      },
    ],
    [
      'part: 1,000 cells compared, then the distances of those left',
      (request) => {
        const left = keepInReach(rows, rowsOf.get(request) ?? rows, CANDIDATES, tables.cells, request)
        keepWithin(rows, distancesM, rows, left, tables.vectors, request)
      },
    ],
    [
      'part: 1,000 distances compared, without the cells first',
      (request) =>
        keepWithin(rows, distancesM, rowsOf.get(request) ?? rows, CANDIDATES, tables.vectors, request),
    ],
    ['part: 45 scores', (request) => scorer.scoreInto(logits, rowsOf.get(request) ?? rows, 45)],
    ['part: 1,000 scores', (request) => scorer.scoreInto(logits, rowsOf.get(request) ?? rows, CANDIDATES)],
    [
      'part: setUser and 1,000 scores with a distance and an overlap',
      (request) => scorePairs({ user: request.user, rows: rowsOf.get(request) ?? rows }),
    ],
    ['part: 45 of 45 in order', () => topKInto(order, keys, rows, 45, 100, isBefore)],
    ['part: best 100 of 1,000', () => topKInto(order, keys, rows, CANDIDATES, 100, isBefore)],
    ['part: places within 5 km by the index', nearPlaces(tables)],
    ['write: a restaurant', writeRestaurant(tables, scorer)],
  ]
  return parts.map(([part, run]) => {
    let next = 0
    return {
      part,
      timing: timeCalls(() => run(requests[next++ % REQUESTS]), { calls: 64, rounds: 60, warmUp: 3000 }),
    }
  })
}

function nearPlaces({ degrees }: LiveTables): (request: BenchRequest) => void {
  const at = (offset: number) =>
    Float64Array.from({ length: RESTAURANTS }, (_, row) => degrees[2 * row + offset])
  const index = new PlaceIndex(buildPlaceIndex(at(0), at(1)))
  return ({ latitude, longitude }) => index.near(latitude, longitude, 5000)
}

/** Puts a restaurant again, as it is. */
function writeRestaurant(tables: LiveTables, scorer: PairScorer): (request: BenchRequest) => void {
  const writer = new LiveWriter(tables, { followers: new Set([scorer]), onMove: () => {} })
  const { degrees, restaurants } = tables
  return ({ candidateRestaurantIds: [id] }) => {
    const features = restaurants.features.slice(10 * id, 10 * id + 10)
    writer.putRestaurant({ id, features, latitude: degrees[2 * id], longitude: degrees[2 * id + 1] })
  }
}

/** Tables of the reference's size (fewer users: a request reads one of them), filled as the server fills them. */
function town(): { memory: RankerMemory; tables: LiveTables; scorer: PairScorer } {
  const random = new Random(4)
  const normals = Float32Array.from({ length: 100_003 }, () => 2 * random.normal())
  const featuresOf = (row: number, width: number) => {
    const start = (row * 7919) % (normals.length - width)
    return normals.subarray(start, start + width)
  }
  const live = createLiveMemory(
    {
      users: { ids: 'integer', numbers: 30, words: 30 },
      restaurants: { ids: 'integer', numbers: 10, words: 10 },
    },
    { users: 2 * USERS, restaurants: 2 * RESTAURANTS },
  )
  const tables = openLiveTables(live)
  const model = createScoringMemory({
    network: NETWORK,
    weights: initialState(NETWORK, 1),
    restaurantsMax: 2 * RESTAURANTS,
    threads: 2,
  })
  const scorer = new PairScorer(model, tables.restaurants.features)
  const writer = new LiveWriter(tables, { followers: new Set([scorer]), onMove: () => {} })
  for (let id = 0; id < USERS; id++) writer.putUser({ id, features: featuresOf(id, 30) })
  const latitude = Float64Array.from({ length: RESTAURANTS }, () => SOUTH + (NORTH - SOUTH) * random.float())
  const longitude = Float64Array.from({ length: RESTAURANTS }, () => WEST + (EAST - WEST) * random.float())
  for (let id = 0; id < RESTAURANTS; id++)
    writer.putRestaurant({
      id,
      features: featuresOf(id, 10),
      latitude: latitude[id],
      longitude: longitude[id],
    })
  const places = buildPlaceIndex(latitude, longitude)
  return {
    memory: { live, model, places, userFeatures: [], moved: new SharedArrayBuffer(4) },
    tables,
    scorer,
  }
}

function drawRequests(): BenchRequest[] {
  const random = new Random(5)
  return Array.from({ length: REQUESTS }, () => ({
    user: random.below(USERS),
    candidateRestaurantIds: Array.from({ length: CANDIDATES }, () => random.below(RESTAURANTS)),
    latitude: SOUTH + (NORTH - SOUTH) * random.float(),
    longitude: WEST + (EAST - WEST) * random.float(),
    size: 100,
    maxDistM: 7500,
    sortByDistance: false,
  }))
}

if (import.meta.main) {
  const lines = benchRanking()
  const machine = `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}`
  if (process.argv.includes('--json')) console.log(JSON.stringify({ machine, ranking: lines }))
  else {
    console.log(`${machine}\n`)
    console.log(
      renderTable(
        ['100,000 restaurants × 10, 128 units, one thread', 'time'],
        lines.map(({ part, timing }) => [part, timingText(timing)]),
        ['left', 'right'],
      ),
    )
  }
}
