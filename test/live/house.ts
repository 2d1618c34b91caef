import assert from 'node:assert/strict'
import { cellOf } from '../../src/geo/placeCells.ts'
import {
  createLiveMemory,
  growLiveMemory,
  type LiveMemory,
  liveRowOf,
  type LiveTables,
  openLiveTables,
} from '../../src/live/tables.ts'
import { type LiveRestaurant, LiveWriter } from '../../src/live/writer.ts'
import type { FeatureId, IdKind } from '../../src/ids.ts'
import type { Side } from '../../src/features/featureSpec.ts'

const WIDTH = { users: 3, restaurants: 2 }
const SIDES: Side[] = ['users', 'restaurants']

/** A row by its name, 0 … 12, from which its id is made. */
export type HouseStep =
  | { kind: 'putUser'; name: number; features: Float32Array }
  | ({ kind: 'putRestaurant'; name: number } & Place)
  | { kind: 'delete'; side: Side; name: number }
  | { kind: 'grow'; side: Side }

type Place = Omit<LiveRestaurant, 'id'>

/** Live tables, and plain Maps that must say the same. */
export class House {
  readonly #ids: IdKind
  readonly #users = new Map<FeatureId, Float32Array>()
  readonly #restaurants = new Map<FeatureId, Place>()
  readonly #rows = { users: new Map<FeatureId, number>(), restaurants: new Map<FeatureId, number>() }
  readonly #moved: number[] = []
  #followed: number[] = []
  #memory: LiveMemory
  tables: LiveTables
  writer: LiveWriter

  constructor(ids: IdKind, rowsMax: Record<Side, number>) {
    this.#ids = ids
    const layout = {
      users: { ids, numbers: WIDTH.users, words: WIDTH.users },
      restaurants: { ids, numbers: WIDTH.restaurants, words: WIDTH.restaurants },
    }
    this.#memory = createLiveMemory(layout, rowsMax)
    this.tables = openLiveTables(this.#memory)
    this.writer = this.#newWriter()
  }

  take(step: HouseStep): void {
    this.#moved.length = 0
    this.#followed = []
    if (step.kind === 'putUser') this.#putUser(step.name, step.features)
    else if (step.kind === 'putRestaurant') this.#putRestaurant(step.name, step)
    else if (step.kind === 'delete') this.#delete(step.side, step.name)
    else this.#grow(step.side)
  }

  /** What is in the tables is what is in the Maps, no more and no less. */
  check(): void {
    const { users, restaurants, sums, vectors, cells, degrees } = this.tables
    assert.deepEqual(
      { ...this.writer.counts },
      { users: this.#users.size, restaurants: this.#restaurants.size },
    )
    const wanted = new Float64Array(1 + WIDTH.users)
    for (const features of this.#users.values())
      for (const [i, value] of [1, ...features].entries()) wanted[i] += value
    assert.deepEqual(sums, wanted)
    for (let name = 0; name <= 12; name++) {
      const id = this.#idOf(name)
      const user = this.#users.get(id)
      const row = liveRowOf(users, id)
      assert.equal(row, user ? this.#rows.users.get(id) : -1)
      if (user) assert.deepEqual(users.features.subarray(3 * row, 3 * row + 3), user)
      const place = this.#restaurants.get(id)
      const at = liveRowOf(restaurants, id)
      assert.equal(at, place ? this.#rows.restaurants.get(id) : -1)
      if (place) {
        assert.deepEqual(restaurants.features.subarray(2 * at, 2 * at + 2), place.features)
        assert.deepEqual([...degrees.subarray(2 * at, 2 * at + 2)], [place.latitude, place.longitude])
        assert.equal(cells[at], cellOf(place.latitude, place.longitude))
        for (const [i, coordinate] of vectorOf(place).entries())
          assert.ok(Math.abs(vectors[3 * at + i] - coordinate) < 1e-15)
      } else {
        const gone = this.#rows.restaurants.get(id)
        if (gone !== undefined)
          assert.ok(
            vectors.subarray(3 * gone, 3 * gone + 3).every(Number.isNaN),
            'a deleted place is nowhere',
          )
      }
    }
  }

  #newWriter(): LiveWriter {
    const updateRow = (row: number) => {
      const { log } = this.tables.restaurants
      assert.equal(
        log.isUntouched(log.start(), (changed) => changed === row),
        false,
        'not within the change',
      )
      this.#followed.push(row)
    }
    return new LiveWriter(this.tables, {
      followers: new Set([{ updateRow }]),
      onMove: (row) => this.#moved.push(row),
    })
  }

  #idOf(name: number): FeatureId {
    return this.#ids === 'integer' ? name * 1_000_003 : `né-${name}`
  }

  #putUser(name: number, features: Float32Array): void {
    const id = this.#idOf(name)
    const hasRoom = this.#hasRoom('users', id)
    this.#changes('users', id, hasRoom, () => {
      assert.equal(this.writer.putUser({ id, features }), hasRoom)
      if (hasRoom) this.#users.set(id, features)
    })
    assert.deepEqual(this.#followed, [])
  }

  #putRestaurant(name: number, { features, latitude, longitude }: Place): void {
    const id = this.#idOf(name)
    const hasRoom = this.#hasRoom('restaurants', id)
    const before = this.#restaurants.get(id)
    this.#changes('restaurants', id, hasRoom, () => {
      assert.equal(this.writer.putRestaurant({ id, features, latitude, longitude }), hasRoom)
      if (hasRoom) this.#restaurants.set(id, { features, latitude, longitude })
    })
    const row = this.#rows.restaurants.get(id)
    assert.deepEqual(this.#followed, hasRoom ? [row] : [])
    const after = vectorOf({ features, latitude, longitude })
    const isThere = before && vectorOf(before).every((coordinate, i) => coordinate === after[i])
    assert.deepEqual(this.#moved, hasRoom && !isThere ? [row] : [])
  }

  #delete(side: Side, name: number): void {
    const id = this.#idOf(name)
    const model: Map<FeatureId, unknown> = side === 'users' ? this.#users : this.#restaurants
    const isThere = model.has(id)
    this.#changes(side, id, isThere, () => {
      this.writer.delete(side, id)
      model.delete(id)
    })
    assert.deepEqual(this.#moved, side === 'restaurants' && isThere ? [this.#rows.restaurants.get(id)] : [])
  }

  #grow(side: Side): void {
    const { users, restaurants } = this.tables
    const rowsMax = { users: users.rowsMax, restaurants: restaurants.rowsMax }
    rowsMax[side] *= 2
    this.#memory = growLiveMemory(this.#memory, rowsMax)
    this.tables = openLiveTables(this.#memory)
    this.writer = this.#newWriter()
  }

  /** A new id takes the next row; one that was ever there keeps its own. */
  #hasRoom(side: Side, id: FeatureId): boolean {
    const rows = this.#rows[side]
    if (rows.has(id)) return true
    if (rows.size === this.tables[side].rowsMax) return false
    rows.set(id, rows.size)
    return true
  }

  /** Runs `write`, and asserts that its side's log tells of the row's change and of no other. */
  #changes(side: Side, id: FeatureId, isChanged: boolean, write: () => void): void {
    const row = this.#rows[side].get(id)
    const starts = SIDES.map((each) => this.tables[each].log.start())
    write()
    for (const [i, each] of SIDES.entries()) {
      const isRow = (changed: number) => each === side && changed === row
      const { log } = this.tables[each]
      assert.equal(log.isUntouched(starts[i], isRow), !(isChanged && each === side))
      assert.equal(
        log.isUntouched(starts[i], (changed) => !isRow(changed)),
        true,
      )
    }
  }
}

function vectorOf({ latitude, longitude }: Place): number[] {
  const [p, q] = [latitude, longitude].map((degrees) => (degrees * Math.PI) / 180)
  const radius = Math.abs(latitude) === 90 ? 0 : Math.cos(p) // a pole is one place
  return [radius * Math.cos(q), Math.abs(longitude) === 180 ? 0 : radius * Math.sin(q), Math.sin(p)]
}
