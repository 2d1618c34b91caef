import assert from 'node:assert/strict'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import type { FeatureSpec } from '../../src/features/featureSpec.ts'
import type { RawRow } from '../../src/features/rawRow.ts'
import { rowShape, widthOf } from '../../src/features/rowShape.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { modelFeatures } from '../../src/model/modelFeatures.ts'
import type { ModelDescription } from '../../src/model/modelFile.ts'
import { naiveInputs, naiveLogits } from '../../src/model/naiveForward.ts'
import type { StateDict } from '../../src/model/network.ts'
import type { Ranked } from './oracle.ts'
import type { ValuesWorld } from './valuesWorld.ts'

const TOLERANCE = 1e-5

/** Scores from raw rows, one pair at a time, by the naive network in float64: no table, no folding, no server. */
export class ValuesOracle {
  readonly #description: ModelDescription
  readonly #weights: StateDict
  readonly users: Map<number, RawRow>
  readonly restaurants: Map<number, RawRow>

  static async open(model: string, rows: Pick<ValuesWorld, 'users' | 'restaurants'>) {
    const { description, weights } = await loadModelFiles(model)
    return new ValuesOracle(description, weights, rows)
  }

  private constructor(
    description: ModelDescription,
    weights: StateDict,
    { users, restaurants }: Pick<ValuesWorld, 'users' | 'restaurants'>,
  ) {
    this.#description = description
    this.#weights = weights
    this.users = new Map(users.entries())
    this.restaurants = new Map(restaurants.map(({ features }, id) => [id, features]))
  }

  /** Asserts that a list has all restaurants, with the scores that this user must get; `average`: the mean one. */
  assertRanked(found: readonly Ranked[], user: number | 'average'): void {
    this.assertScores(found, user)
    assert.ok(new Set(found.map(({ score }) => score)).size > 5, 'the scores differ')
  }

  /** The same for a model whose scores may be alike. */
  assertScores(found: readonly Ranked[], user: number | 'average'): void {
    const features = modelFeatures(this.#description)
    const row = user === 'average' ? this.#mean(features.users) : encode(features.users, this.users.get(user))
    assert.equal(found.length, this.restaurants.size, 'every restaurant is in the list')
    for (const { id, score } of found) {
      const restaurant = encode(features.restaurants, this.restaurants.get(Number(id)))
      const own = user === 'average' ? {} : this.users.get(user)!
      const click = this.#pairs(own, this.restaurants.get(Number(id))!)
      const wanted = this.#score({ users: row, restaurants: restaurant, click })
      assert.ok(Math.abs(score - wanted) <= TOLERANCE, `user ${user}, ${id}: ${score} against ${wanted}`)
    }
  }

  /** What lists have in common, from their values: those with a code, each once, beside all that there are. */
  #pairs(user: RawRow, restaurant: RawRow): Float32Array {
    const { users, restaurants, pairs = [] } = modelFeatures(this.#description)
    const valuesOf = (features: readonly FeatureSpec[], row: RawRow, name: string) => {
      const feature = features.find((one) => one.name === name)!
      assert.ok(feature.kind === 'category' || feature.kind === 'categories')
      const list = [row[name] ?? []].flat().filter((value) => value !== null)
      const kept = feature.kind === 'category' ? list : list.slice(0, feature.maxValues)
      const known = new Set(kept.map(String).filter((value) => feature.values.includes(value)))
      return { known, unseen: kept.filter((value) => !feature.values.includes(String(value))).length }
    }
    const numbers = pairs.flatMap((pair) => {
      assert.ok(pair.kind === 'overlap', 'clicks of this world have no places')
      const own = valuesOf(users, user, pair.user!)
      const other = valuesOf(restaurants, restaurant, pair.restaurant!)
      const shared = [...own.known].filter((value) => other.known.has(value)).length
      const all = own.known.size + own.unseen + other.known.size + other.unseen - shared
      return [shared, all > 0 ? shared / all : 0]
    })
    return Float32Array.from(numbers)
  }

  #score(rows: { users: Float32Array; restaurants: Float32Array; click: Float32Array }): number {
    const { network } = this.#description
    const [logit] = naiveLogits(network, this.#weights, naiveInputs(network, this.#weights)(rows))
    return 1 / (1 + Math.exp(-logit))
  }

  /** The mean of all numbers, and every code missing. */
  #mean(features: readonly FeatureSpec[]): Float32Array {
    const { numbers, words } = rowShape(features)
    const mean = new Float32Array(words)
    const rows = [...this.users.values()].map((row) => encode(features, row))
    for (let k = 0; k < numbers; k++) mean[k] = rows.reduce((sum, row) => sum + row[k], 0) / rows.length
    return mean
  }
}

function encode(features: readonly FeatureSpec[], row: RawRow | undefined): Float32Array {
  assert.ok(row, 'a row that the oracle knows')
  const words = new Float32Array(widthOf(features))
  const problem = new RowEncoder(features).encodeInto(
    wordsOf(words),
    0,
    features.map(({ name }) => row[name]),
  )
  assert.equal(problem, undefined)
  return words
}
