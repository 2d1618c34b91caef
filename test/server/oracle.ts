import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import * as ort from 'onnxruntime-web/wasm'
import { readFile } from 'node:fs/promises'

ort.env.wasm.numThreads = 1

const EARTH_RADIUS_M = 6_371_008.8
const SCORE_TOLERANCE = 1e-5
const DISTANCE_TOLERANCE_M = 1e-3

export interface Place {
  features: number[]
  latitude: number
  longitude: number
}

export interface Rows {
  users: Map<string, number[]>
  restaurants: Map<string, Place>
}

export interface Wish {
  candidate_restaurant_ids?: (number | string)[]
  latitude: number
  longitude: number
  size?: number
  max_dist?: number
  sort_dist?: boolean
}

export interface Ranked {
  id: number | string
  score: number
  displacement: number
}

/** What the server must answer, from model.onnx and rows of features, sharing no code with it. The rows may be changed. */
export class Oracle {
  readonly users: Map<string, number[]>
  readonly restaurants: Map<string, Place>
  #session: ort.InferenceSession

  private constructor(session: ort.InferenceSession, { users, restaurants }: Rows) {
    this.#session = session
    this.users = users
    this.restaurants = restaurants
  }

  static async open(model: string, rows: Rows): Promise<Oracle> {
    return new Oracle(await openModel(model), rows)
  }

  async useModel(model: string): Promise<void> {
    this.#session = await openModel(model)
  }

  /** Click probabilities of a user, whose features are given, with restaurants. */
  async scores(user: readonly number[], restaurants: readonly Place[]): Promise<number[]> {
    const rows = restaurants.flatMap(({ features }) => user.concat(features))
    const width = user.length + (restaurants[0]?.features.length ?? 0)
    const features = new ort.Tensor('float32', Float32Array.from(rows), [restaurants.length, width])
    const { score } = await this.#session.run({ features })
    return Array.from(score.data as Float32Array)
  }

  /** Asserts that a list is the one that this user must get; `average`: the mean of all users. */
  async assertRanked(found: Ranked[], user: number | 'average', wish: Wish): Promise<void> {
    const { size = 20, max_dist: maxDistM = 5000, sort_dist: isByDistance = false } = wish
    const ids = [...new Set((wish.candidate_restaurant_ids ?? [...this.restaurants.keys()]).map(String))]
    const near = ids.flatMap((id) => {
      const place = this.restaurants.get(id)
      if (place === undefined) return []
      const displacement = haversineM(wish, place)
      return displacement <= maxDistM ? [{ id, place, displacement }] : []
    })
    const features = user === 'average' ? this.#mean() : this.users.get(String(user))
    assert.ok(features, `user ${user} is known to the oracle`)
    const scores =
      near.length === 0
        ? []
        : await this.scores(
            features,
            near.map(({ place }) => place),
          )
    const expected = new Map(near.map(({ id, displacement }, i) => [id, { score: scores[i], displacement }]))

    const leftOut = new Map(expected)
    const expectedOf = ({ id }: Ranked) => {
      const wanted = expected.get(String(id))
      assert.ok(wanted, `restaurant ${id} is a candidate within reach`)
      return wanted
    }

    assert.equal(found.length, Math.min(size, near.length), 'as many as there are, at most size')
    for (const one of found) {
      const { id, score, displacement } = one
      const wanted = expectedOf(one)
      assert.ok(leftOut.delete(String(id)), `restaurant ${id} stands once`)
      assert.ok(Math.abs(score - wanted.score) <= SCORE_TOLERANCE, `${id}: ${score} against ${wanted.score}`)
      assert.ok(
        Math.abs(displacement - wanted.displacement) <= DISTANCE_TOLERANCE_M,
        `${id}: ${displacement} m against ${wanted.displacement}`,
      )
    }
    const key = ({ score, displacement }: Omit<Ranked, 'id'>) => (isByDistance ? displacement : -score)
    for (let i = 1; i < found.length; i++) {
      const [a, b] = [found[i - 1], found[i]]
      assert.ok(key(a) <= key(b), `${a.id} before ${b.id}`)
      const areAlike = key(expectedOf(a)) === key(expectedOf(b))
      if (key(a) === key(b) && areAlike)
        assert.ok(a.id < b.id, `${a.id} before ${b.id}, which has the same key`)
    }
    const slack = 2 * (isByDistance ? DISTANCE_TOLERANCE_M : SCORE_TOLERANCE)
    const last = found.at(-1)
    for (const [id, other] of leftOut)
      if (last) assert.ok(key(other) >= key(last) - slack, `${id} was rightly left out`)
  }

  #mean(): number[] {
    const sum = Array.from({ length: 30 }, () => 0)
    for (const features of this.users.values()) for (const [f, value] of features.entries()) sum[f] += value
    return sum.map((value) => value / this.users.size)
  }
}

/** The rows of a folder of Parquet. */
export async function readParquetRows(data: string): Promise<Rows> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const read = async (side: string) => {
    const file = join(data, `${side}_features.parquet`)
    const table = await connection.runAndReadAll(`SELECT * FROM '${file}'`)
    return table.getRowObjects().map((row) => ({ id: String(row[`${side}_id`]), row }))
  }
  const users = new Map((await read('user')).map(({ id, row }) => [id, featuresOf(row)]))
  const restaurants = new Map(
    (await read('restaurant')).map(({ id, row }) => [
      id,
      { features: featuresOf(row), latitude: Number(row.latitude), longitude: Number(row.longitude) },
    ]),
  )
  connection.closeSync()
  instance.closeSync()
  return { users, restaurants }
}

async function openModel(model: string): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(await readFile(join(model, 'model.onnx')))
}

function featuresOf(row: Record<string, unknown>): number[] {
  return Object.keys(row)
    .filter((name) => /^f\d\d$/.test(name))
    .toSorted()
    .map((name) => Math.fround(Number(row[name])))
}

/** Great-circle metres. */
export function haversineM(
  a: { latitude: number; longitude: number },
  b: { latitude: number; longitude: number },
): number {
  const radians = (degrees: number) => (degrees / 180) * Math.PI
  const h =
    Math.sin(radians(b.latitude - a.latitude) / 2) ** 2 +
    Math.cos(radians(a.latitude)) *
      Math.cos(radians(b.latitude)) *
      Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(Math.min(1, h)))
}
