import { wordsOf } from '../features/encodeRow.ts'
import type { FeaturesOf } from '../features/featureSpec.ts'
import type { EncodedPair } from '../features/pairs/encodedPair.ts'
import { type PairEncoder, pairEncoder } from '../features/pairs/pairEncoder.ts'
import { clickRow, type Network, sideRow } from '../model/network.ts'

/** Writes the words that a packed click has beside its two rows, for one pair at a time. */
export class ClickWriter {
  readonly row: Float32Array // numbers of context and pairs, then codes of both
  readonly #encoder: PairEncoder | null // null: the model takes no pairs
  readonly #numbers: number // of the context

  constructor(network: Network, features: FeaturesOf) {
    this.row = new Float32Array(clickRow(network).words)
    this.#encoder = features.pairs ? pairEncoder(features.pairs, features) : null
    this.#numbers = sideRow(network, 'context').numbers
  }

  /** `context`: its encoded row. */
  setContext(context: Float32Array): void {
    const [to, from] = [wordsOf(this.row).u32, wordsOf(context).u32]
    to.set(from.subarray(0, this.#numbers))
    to.set(from.subarray(this.#numbers), this.#numbers + (this.#encoder?.numbers ?? 0))
  }

  /** The context is that of `setContext`. */
  setPair(pair: Omit<EncodedPair, 'context'>): void {
    const encoder = this.#encoder
    if (encoder === null) return
    const words = wordsOf(this.row)
    const context = { ...words, at: 0 }
    const whole = { ...pair, context }
    encoder.setUser(whole)
    encoder.encodeInto(words, this.#numbers, this.row.length - encoder.codes, whole)
  }
}
