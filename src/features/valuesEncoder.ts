import { RowEncoder, type Words, wordsOf } from './encodeRow.ts'
import type { FeatureId } from '../ids.ts'
import { type FeatureSpec, isOwnId, isOwnPlace } from './featureSpec.ts'
import { type RawRow, valueOf } from './rawRow.ts'
import { widthOf } from './rowShape.ts'
import type { RawValue } from './values.ts'

/** Encodes rows whose values have names. */
export class ValuesEncoder {
  readonly #encoder: RowEncoder
  readonly #names: readonly string[]
  readonly #ids: readonly number[] // which of them are the row's own id
  readonly #places: readonly number[] // and which its own place
  readonly #values: RawValue[]
  readonly #words: Words

  constructor(features: readonly FeatureSpec[]) {
    this.#encoder = new RowEncoder(features)
    this.#names = features.map(({ name }) => name)
    this.#ids = features.flatMap((feature, i) => (isOwnId(feature) ? [i] : []))
    this.#places = features.flatMap((feature, i) => (isOwnPlace(feature) ? [i] : []))
    this.#values = []
    this.#words = wordsOf(new Float32Array(widthOf(features)))
  }

  /** Which feature the last problem was about. */
  get failed(): number {
    return this.#encoder.failed
  }

  /**
   * The encoded row, valid until the next call; a text: what is wrong with one of the values, as a part of a
   * sentence. Values that are none of the features' do not matter. `place`: degrees, if the row has one.
   */
  encode(
    row: RawRow,
    id: FeatureId,
    place?: readonly [latitude: number, longitude: number],
  ): Float32Array | string {
    for (const [i, name] of this.#names.entries()) this.#values[i] = valueOf(row, name)
    for (const i of this.#ids) this.#values[i] = id
    for (const i of this.#places) this.#values[i] = place
    return this.#encoder.encodeInto(this.#words, 0, this.#values) ?? this.#words.f32
  }
}
