import { NearrankError } from '../errors.ts'
import { RowEncoder, type Words, wordsOf } from '../features/encodeRow.ts'
import { type FeatureSpec, isOwnPlace, namesOf, toldFeatures } from '../features/featureSpec.ts'
import { listed } from '../features/rawRow.ts'
import { widthOf } from '../features/rowShape.ts'
import type { RawValue } from '../features/values.ts'
import { shown } from '../shown.ts'
import type { UnknownContext } from './unknownContext.ts'

/** What a request tells of itself, by the names of the features. */
export type RequestContext = Readonly<Record<string, RawValue>>

/** Encodes what requests tell of themselves. */
export class ContextEncoder {
  readonly #encoder: RowEncoder
  readonly #known: ReadonlySet<string>
  readonly #unknown: UnknownContext
  readonly #row: Float32Array
  readonly #words: Words // the same memory

  constructor(features: readonly FeatureSpec[], unknown: UnknownContext = 'fail') {
    this.#encoder = new RowEncoder(features)
    this.#known = new Set(namesOf(toldFeatures(features)))
    this.#unknown = unknown
    this.#row = new Float32Array(widthOf(features))
    this.#words = wordsOf(this.#row)
  }

  /**
   * The encoded row, valid until the next call. What is not told is missing, but for times: they are now.
   * `place`: where the user is, degrees.
   * @throws NearrankError INPUT for a value of the wrong kind and, unless they are ignored, for a name that
   * is not known.
   */
  encode(
    context: RequestContext,
    place?: { latitude: number; longitude: number },
    nowMs = Date.now(),
  ): Float32Array {
    if (this.#unknown === 'fail')
      for (const name of Object.keys(context))
        if (!this.#known.has(name)) throw unknownName(name, this.#known)
    const values = this.#encoder.features.map((feature) => {
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

function unknownName(name: string, known: ReadonlySet<string>): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot use the request: its context may tell ${listed(known) || 'nothing, since the model takes none'}, found ${shown(name)}; leave it out, or allow it with --unknown-context ignore`,
  )
}
