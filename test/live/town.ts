import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { distanceM } from '../../src/geo/greatCircle.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import type { Network, StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { LiveRanker, type LiveRequest, type RankedList } from '../../src/live/ranker.ts'
import { liveRowOf } from '../../src/live/tables.ts'
import { Ranker } from '../../src/ranking/ranker.ts'
import type { FeatureId, IdKind } from '../../src/ids.ts'
import { liveWorld, type LiveWorld } from './liveFixture.ts'
import { normals, normalWeights } from '../ranking/rankingFixture.ts'

export const NAMES = 40 // restaurants that there may be

interface Place {
  features: Float32Array
  latitude: number
  longitude: number
}

/** Live tables, and plain Maps from which every list is worked out anew. */
export class Town {
  readonly world: LiveWorld
  readonly #network: Network
  readonly #weights: StateDict
  readonly #ids: IdKind
  readonly #places = new Map<number, Place>()
  readonly #everPut = new Set<number>()
  readonly #users: Float32Array[] = []
  #ranker: LiveRanker

  constructor(net: Network, seed: number, ids: IdKind, precomputeBytesMax?: number) {
    const random = new Random(seed)
    this.#network = net
    this.#weights = normalWeights(net, random)
    this.#ids = ids
    this.world = liveWorld({
      network: net,
      weights: this.#weights,
      ids,
      ...(precomputeBytesMax === undefined ? {} : { precomputeBytesMax }),
    })
    for (let user = 0; user < 4; user++) {
      // Quarters: their mean is the same in whatever order they are added.
      const features = normals(random, net.userFeatures, 8).map((value) => Math.round(value) / 4)
      this.#users.push(features)
      this.world.writer.putUser({ id: this.userId(user), features })
    }
    this.#ranker = new LiveRanker(this.world.memory, 0)
  }

  userId(user: number): FeatureId {
    return this.#ids === 'integer' ? user : `user ${user}`
  }

  /** Puts a restaurant at one of nine spots with one of four sets of features: ties are common. */
  put(name: number, seed: number): void {
    const random = new Random(seed % 4)
    const place = {
      features: normals(random, this.#network.restaurantFeatures, 1),
      latitude: 13.7 + 0.15 * (seed % 3),
      longitude: 100.4 + 0.17 * (Math.floor(seed / 3) % 3),
    }
    assert.ok(this.world.writer.putRestaurant({ id: this.#idOf(name), ...place }))
    this.#places.set(name, place)
    this.#everPut.add(name)
  }

  delete(name: number): void {
    this.world.writer.delete('restaurants', this.#idOf(name))
    this.#places.delete(name)
  }

  rebuild(): void {
    this.world.rebuildPlaces()
    this.#ranker = new LiveRanker(this.world.memory, 0)
  }

  checkRequest(
    request: Omit<LiveRequest, 'candidateRestaurantIds'> & { candidateNames: number[] | null },
    user: number,
  ): void {
    const { candidateNames, ...at } = request
    const isMean = user === 3
    assert.ok(this.#ranker.setUser(isMean ? null : this.userId(user)))
    const features = isMean ? this.#meanUser() : this.#users[user]
    const candidateRestaurantIds = candidateNames?.map((name) => this.#idOf(name)) ?? null
    const list = this.#ranker.rank({ ...at, candidateRestaurantIds })
    const lines = plain(this.#ranker, list)
    const distinct = [...new Set(candidateNames ?? this.#places.keys())]
    this.#checkLines(lines, at, this.#wanted(distinct, features, at))
    this.#checkRanker(lines, at, distinct, features)
    if (candidateNames)
      assert.equal(list?.candidates, candidateNames.filter((name) => this.#everPut.has(name)).length)
  }

  /** Everything within reach, from the unfolded network in float64 and haversine. */
  #wanted(names: number[], user: Float32Array, at: Omit<LiveRequest, 'candidateRestaurantIds'>) {
    const wanted = new Map<FeatureId, { score: number; displacement: number }>()
    for (const name of names) {
      const place = this.#places.get(name)
      if (!place) continue
      const displacement = distanceM(at.latitude, at.longitude, place.latitude, place.longitude)
      fc.pre(Math.abs(displacement - at.maxDistM) > 1e-5)
      if (displacement > at.maxDistM) continue
      const row = Float32Array.of(...user, ...place.features)
      const [logit] = naiveLogits(this.#network, this.#weights, row)
      wanted.set(this.#idOf(name), { score: 1 / (1 + Math.exp(-logit)), displacement })
    }
    return wanted
  }

  #checkLines(
    lines: Line[],
    { size, sortByDistance }: Omit<LiveRequest, 'candidateRestaurantIds'>,
    wanted: Map<FeatureId, { score: number; displacement: number }>,
  ): void {
    assert.equal(lines.length, Math.min(size, wanted.size))
    for (const { id, score, displacement } of lines) {
      const right = wanted.get(id)
      assert.ok(right, `${id} is not within reach, or is there twice`)
      assert.ok(Math.abs(score - right.score) < 1e-5, `${score} against ${right.score}`)
      assert.ok(Math.abs(displacement - right.displacement) < 1e-6)
      wanted.delete(id)
    }
    const keyOf = (line: { score: number; displacement: number }) =>
      sortByDistance ? line.displacement : -line.score
    for (const [i, line] of lines.entries()) {
      if (i === 0) continue
      const before = lines[i - 1]
      assert.ok(keyOf(before) <= keyOf(line), 'sorted')
      if (keyOf(before) === keyOf(line)) assert.ok(before.id < line.id, 'equal ones by id')
    }
    if (lines.length === 0) return
    const last = keyOf(lines[lines.length - 1])
    for (const left of wanted.values()) assert.ok(last <= keyOf(left) + 2e-5, 'a better one was left out')
  }

  /** The ranker without shared memory, over what is there now, gives the same list to the last bit. */
  #checkRanker(
    lines: Line[],
    at: Omit<LiveRequest, 'candidateRestaurantIds'>,
    names: number[],
    user: Float32Array,
  ): void {
    const there = [...this.#places]
    const width = this.#network.restaurantFeatures
    const restaurantFeatures = new Float32Array(there.length * width)
    for (const [row, [, { features }]] of there.entries()) restaurantFeatures.set(features, row * width)
    const ranker = new Ranker({
      network: this.#network,
      weights: this.#weights,
      restaurantFeatures,
      latitude: Float64Array.from(there, ([, { latitude }]) => latitude),
      longitude: Float64Array.from(there, ([, { longitude }]) => longitude),
      idOf: (row) => this.#idOf(there[row][0]),
    })
    const candidateRows = [...there.keys()].filter((row) => names.includes(there[row][0]))
    assert.deepEqual(lines, ranker.rank(user, { ...at, candidateRows }).restaurants)
    for (const { id } of lines) assert.ok(liveRowOf(this.world.tables.restaurants, id) >= 0)
  }

  /** An order of ids that is neither that of names nor of rows. */
  #idOf(name: number): FeatureId {
    if (this.#ids === 'string') return `${(name * 7) % NAMES} Café`
    const id = ((name * 7) % NAMES) - 9
    return id % 5 === 0 ? BigInt(id) * 2n ** 58n || 0 : id
  }

  #meanUser(): Float32Array {
    return this.#users[0].map((_, f) => this.#users.reduce((sum, features) => sum + features[f], 0) / 4)
  }
}

export interface Line {
  id: FeatureId
  score: number
  displacement: number
}

/** A list as objects. */
export function plain(ranker: LiveRanker, list: RankedList | undefined): Line[] {
  assert.ok(list)
  return Array.from({ length: list.count }, (_, i) => ({
    id: ranker.idAt(list.rows[i]),
    score: list.scores[i],
    displacement: list.distancesM[i],
  }))
}
