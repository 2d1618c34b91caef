import { NearrankError } from '../errors.ts'
import { RowEncoder, type Words, wordsOf } from '../features/encodeRow.ts'
import { type FeatureSpec, isOwnPlace } from '../features/featureSpec.ts'
import { widthOf } from '../features/rowShape.ts'
import type { RawValue } from '../features/values.ts'

/** What a request tells of itself, by the names of the features. */
export type RequestContext = Readonly<Record<string, RawValue>>

/** Encodes what requests tell of themselves. */
export class ContextEncoder {
  readonly #encoder: RowEncoder
  readonly #row: Float32Array
  readonly #words: Words // the same memory

  constructor(features: readonly FeatureSpec[]) {
    this.#encoder = new RowEncoder(features)
    this.#row = new Float32Array(widthOf(features))
    this.#words = wordsOf(this.#row)
  }

  /**
   * The encoded row, valid until the next call. What is not told is missing, but for times: they are now.
   * `place`: where the user is, degrees.
   * @throws NearrankError INPUT for a name that is not known, or a value of the wrong kind.
   */
  encode(
    context: RequestContext,
    place?: { latitude: number; longitude: number },
    nowMs = Date.now(),
  ): Float32Array {
    const { features } = this.#encoder
    const told = features.filter((feature) => !isOwnPlace(feature))
    for (const name of Object.keys(context))
      if (!told.some((feature) => feature.name === name)) throw unknownName(name, told)
    const values = features.map((feature) => {
      if (isOwnPlace(feature)) return place && [place.latitude, place.longitude]
      const { name, kind } = feature
      const value = Object.hasOwn(context, name) ? context[name] : undefined
      return value === undefined && kind === 'time' ? nowMs : value
    })
    const problem = this.#encoder.encodeInto(this.#words, 0, values)
    if (problem !== undefined)
      throw new NearrankError('INPUT', `Cannot use the request: in its context, ${problem}`)
    return this.#row
  }
}

function unknownName(name: string, features: readonly FeatureSpec[]): NearrankError {
  const names = features.map((feature) => feature.name).join(', ')
  return new NearrankError(
    'INPUT',
    `Cannot use the request: its context may tell ${names || 'nothing, since the model takes none'}, found ${JSON.stringify(name)}`,
  )
}
