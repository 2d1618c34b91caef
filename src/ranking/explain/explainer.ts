import { wordsOf } from '../../features/encodeRow.ts'
import { encodedText, type FeatureWords } from '../../features/encodedText.ts'
import {
  type FeaturesOf,
  type FeatureSpec,
  type PairFeature,
  SINGULAR,
  type Source,
  SOURCE_OF,
  SOURCES,
} from '../../features/featureSpec.ts'
import { operandFeature, operandsOf } from '../../features/pairs/operands.ts'
import { pairText, pairValue } from '../../features/pairs/pairText.ts'
import { valueOf } from '../../features/rawRow.ts'
import type { RawValue } from '../../features/values.ts'
import { type EffectiveLayer, foldNetwork } from '../../model/foldNetwork.ts'
import { InputWriter } from '../../model/inputWriter.ts'
import type { Network, StateDict } from '../../model/network.ts'
import { ClickWriter } from '../clickWriter.ts'
import { attribute } from './attribute.ts'
import { contextMeans, meanInto, sampleNear, sampleRows } from './baseline.ts'
import { type FeaturePlace, featurePlaces } from './featurePlaces.ts'
import type { ExplainedRequest, ExplainedTables, Explanation, FeatureEffect, RawRows } from './types.ts'

const UNKNOWN_USER = 'unknown user, the mean instead'

/** What a restaurant of a list is explained by: a copy, which no later change of the tables reaches. */
export interface ExplainedPair {
  inputs: Float64Array // of the network
  features: Omit<FeatureEffect, 'effect'>[]
}

/**
 * Explains scores by integrated gradients, see `attribute`. The effects of a request are measured from one
 * baseline: the average user, the average restaurant within reach (of at least 64) with what it and the user
 * of the request are to one another, and the average context. An average of rows is the mean of their inputs,
 * embeddings included, over at most 2,048 of them; that of the context is the model's own, see
 * `contextMeans`.
 */
export class Explainer {
  readonly #layers: EffectiveLayer[]
  readonly #writer: InputWriter
  readonly #click: ClickWriter
  readonly #features: FeaturesOf
  readonly #places: FeaturePlace[]
  readonly #contextMeans: { column: number; mean: number }[]

  /** @throws NearrankError DAMAGED if the weights do not fit the network. */
  constructor({
    network,
    features,
    weights,
  }: { network: Network; features: FeaturesOf; weights: StateDict }) {
    this.#layers = foldNetwork(network, weights)
    this.#writer = new InputWriter(network, weights)
    this.#click = new ClickWriter(network, features)
    this.#features = features
    this.#places = featurePlaces(network, features, this.#writer)
    this.#contextMeans = contextMeans(this.#places, weights)
  }

  /** The inputs [inputs] that the effects of a request are measured from. */
  baseline(request: ExplainedRequest, tables: ExplainedTables): Float64Array {
    const writer = this.#writer
    const x = new Float64Array(writer.width)
    // What has no mean is as it is in the request, so that it has no effect.
    writer.writeInto(x, 'users', request.user)
    meanInto(x, writer.columns('users'), sampleRows(tables.users), (scratch, { row }) =>
      writer.writeInto(scratch, 'users', tables.users.rows, row),
    )
    this.#click.setContext(request.context)
    writer.writeInto(x, 'context', this.#click.row)
    for (const { column, mean } of this.#contextMeans) x[column] = mean
    const columns = [...writer.columns('restaurants'), ...writer.columns('pairs')]
    meanInto(x, columns, sampleNear(request, tables), (scratch, { row, distanceM }) => {
      writer.writeInto(scratch, 'restaurants', tables.restaurants.rows, row)
      this.#setPair(request, tables, row, distanceM)
      writer.writeInto(scratch, 'pairs', this.#click.row)
    })
    return x
  }

  /** Takes down what `explain` needs of the restaurant `row`, which is so far from the user. */
  pair(
    request: ExplainedRequest,
    tables: ExplainedTables,
    { row, distanceM, raw }: { row: number; distanceM: number; raw: RawRows },
  ): ExplainedPair {
    this.#click.setContext(request.context)
    this.#setPair(request, tables, row, distanceM)
    const { rows, width } = tables.restaurants
    const own: Record<Source, Float32Array> = {
      users: request.user,
      restaurants: rows.subarray(row * width, (row + 1) * width),
      context: this.#click.row,
      pairs: this.#click.row,
    }
    const inputs = new Float64Array(this.#writer.width)
    for (const source of SOURCES) this.#writer.writeInto(inputs, source, own[source])
    const given = { raw, features: this.#features, distanceM }
    const features = this.#places.map((place) => {
      const { value, encoded } = toldOf(place, featureWords(place, own), given)
      return { feature: place.name, value, encoded }
    })
    return { inputs, features }
  }

  /** The effects of all features on one restaurant's logit. */
  explain(baseline: Float64Array, { inputs, features }: ExplainedPair): Explanation {
    const { start, end, effects } = attribute(this.#layers, baseline, inputs)
    const all = features.map(({ feature, ...told }, i): FeatureEffect => {
      const effect = this.#places[i].columns.reduce((sum, column) => sum + effects[column], 0)
      return { feature, effect, ...told }
    })
    const bySize = all.toSorted((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
    return { baseline: start, logit: end, features: bySize }
  }

  #setPair(
    { user }: ExplainedRequest,
    { restaurants }: ExplainedTables,
    row: number,
    distanceM: number,
  ): void {
    this.#click.setPair({
      user: { ...wordsOf(user), at: 0 },
      restaurant: { ...wordsOf(restaurants.rows), at: row * restaurants.width },
      distanceM,
    })
  }
}

function featureWords(
  { source, number, numbers, code, codes }: FeaturePlace,
  rows: Record<Source, Float32Array>,
): FeatureWords {
  const { f32, u32 } = wordsOf(rows[source])
  return { numbers: f32.subarray(number, number + numbers), codes: u32.subarray(code, code + codes) }
}

/** What a person is told of a feature: its raw value, and what the encoder made of it. */
function toldOf(
  { source, feature }: FeaturePlace,
  words: FeatureWords,
  { raw, features, distanceM }: { raw: RawRows; features: FeaturesOf; distanceM: number },
): { value: RawValue; encoded: string } {
  if (source === 'pairs') {
    const pair = feature as PairFeature
    const operands = pair.kind === 'distance' ? [] : operandsOf(pair)
    const values = operands.map(([of, name]) => {
      const own = operandFeature(features[SOURCE_OF[of]] ?? [], name)
      const row = raw[of]
      return own && row ? (valueOf(row, own.name) ?? null) : null
    })
    const value = pairValue(pair, values, distanceM)
    return { value, encoded: pairText(pair, value, words) }
  }
  const row = raw[SINGULAR[source]]
  if (row === null) return { value: null, encoded: UNKNOWN_USER }
  const value = valueOf(row, feature.name) ?? null
  return { value, encoded: encodedText(feature as FeatureSpec, value, words) }
}
