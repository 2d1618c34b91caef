import type { Words } from '../features/encodeRow.ts'
import type { EncodedPair } from '../features/pairs/encodedPair.ts'
import { codeOperand, numberOperand } from '../features/pairs/operands.ts'
import { type PairEncoder, pairEncoder } from '../features/pairs/pairEncoder.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { codedOf, PAIR_ROWS, type PairInputs, type ScoringMemory, type Scratch } from './scoringMemory.ts'

/** Whose pairs they are, and where they are computed. */
export interface PairRows {
  memory: Words // the model's whole memory
  scratch: Scratch // of this thread, with the rows of user and context in it
  restaurants: Words // [restaurants, words]
}

interface PairEmbedding {
  address: number // of the table [codes, dim]
  codes: number
  dim: number
  slots: number
  word: number // of a pair's codes, where its own begin
  at: number // its first number among the inputs
}

/**
 * The pairs of one user with a block of at most PAIR_ROWS restaurants: encoded, and taken through the first
 * layer together with the parts of the user and of the restaurants.
 */
export class PairBlock {
  readonly #model: ScoringMemory
  readonly #kernels: Kernels
  readonly #encoder: PairEncoder
  readonly #pair: EncodedPair // of the user, and of each restaurant in turn
  readonly #memory: Words
  readonly #scratch: Scratch
  readonly #embeddings: PairEmbedding[] // without `coded`
  readonly #coded: PairEmbedding | null // see `codedOf`
  readonly #width: number // inputs, without those of `coded`
  readonly #users: number // addresses: the user's part, or one for each code
  readonly #codes: number // u32, `codeStride` words apart: which of them a restaurant has
  readonly #codeStride: number
  readonly #read: number[] // words of a restaurant's row that pairs are computed from
  touched = 0 // nobody needs it: it keeps the reads of `#touch`

  constructor(model: ScoringMemory & { pairs: PairInputs }, kernels: Kernels, rows: PairRows) {
    const { inputs, embeddings, pairs } = model
    const { memory, scratch, restaurants } = rows
    this.#model = model
    this.#kernels = kernels
    this.#encoder = pairEncoder(pairs.pairs, pairs.features, pairs.rates)
    this.#memory = memory
    this.#scratch = scratch
    this.#pair = {
      user: { ...memory, at: scratch.userRow / 4 },
      restaurant: { ...restaurants, at: 0 },
      context: { ...memory, at: scratch.contextRow / 4 },
      distanceM: Number.NaN,
    }
    for (let i = 0; i < PAIR_ROWS; i++) memory.u32[scratch.pairOrder / 4 + i] = i
    const firstWord = inputs.pairs.words - this.#encoder.codes
    this.#embeddings = inputs.pairs.embeddings.map(({ embedding, at }) => ({
      ...embedding.table,
      address: embeddings + 4 * embedding.offset,
      word: embedding.word - firstWord,
      at,
    }))
    this.#coded = codedOf(inputs.pairs) && this.#embeddings.pop()!
    const coded = this.#coded
    this.#width = coded ? coded.at : inputs.pairs.width
    this.#users = coded ? scratch.userByCode : scratch.user
    this.#codes = coded ? scratch.pairCodes + 4 * coded.word : model.zeros
    this.#codeStride = coded ? this.#encoder.codes : 0
    this.#read = wordsRead(pairs)
  }

  /** Call it when user and context in the scratch have changed, their rows and the user's part. */
  setUser(): void {
    this.#encoder.setUser(this.#pair)
    if (!this.#coded) return
    const { units, weight } = this.#model
    const { user, userByCode } = this.#scratch
    const { address, codes, dim, at } = this.#coded
    const w = weight.pairs + 4 * at * units
    for (let code = 0; code < codes; code++) {
      const out = userByCode + 4 * code * units
      this.#kernels.rowProduct(out, address + 4 * code * dim, w, units, user, units, dim)
    }
  }

  /** Encodes the user's pairs with `count` of the restaurants `rows`, from `start` on. */
  encode(rows: Uint32Array, start: number, count: number, distancesM: Float64Array | undefined): void {
    const { words } = this.#model.inputs.restaurants
    const { codes } = this.#encoder
    const pair = this.#pair
    const width = this.#width
    this.touched = this.#touch(rows, start, count)
    let number = this.#scratch.pairInputs / 4
    let code = this.#scratch.pairCodes / 4
    for (let i = start; i < start + count; i++) {
      pair.restaurant.at = rows[i] * words
      pair.distanceM = distancesM === undefined ? Number.NaN : distancesM[i]
      this.#encoder.encodeInto(this.#memory, number, code, pair)
      number += width
      code += codes
    }
    for (const embedding of this.#embeddings) this.#embed(embedding, count)
  }

  /** Reads from all rows first: cache misses that nothing waits for do not wait for one another. */
  #touch(rows: Uint32Array, start: number, count: number): number {
    const { words } = this.#model.inputs.restaurants
    const { u32 } = this.#pair.restaurant
    let all = 0
    for (const word of this.#read)
      for (let i = start; i < start + count; i++) all |= u32[rows[i] * words + word]
    return all
  }

  #embed({ address, dim, word, slots, at }: PairEmbedding, count: number): void {
    const { pairInputs, pairOrder, pairCodes } = this.#scratch
    const { codes } = this.#encoder
    const x = pairInputs + 4 * at
    this.#kernels.embed(x, this.#width, pairOrder, pairCodes, codes, word, slots, address, dim, 0, 0, count)
  }

  /**
   * Writes the logits of the encoded ones to the scratch, for a network of one hidden layer; `parts`: of the
   * restaurants, of which the scratch has the rows.
   */
  score(parts: number, count: number): void {
    const { units, layers, wOut, weight } = this.#model
    const { logits, rows, pairInputs } = this.#scratch
    const width = this.#width
    this.#kernels.scorePairs(
      logits,
      rows,
      count,
      parts,
      units,
      pairInputs,
      width,
      weight.pairs,
      width,
      this.#users,
      this.#codes,
      this.#codeStride,
      wOut,
      layers[0].bias[0],
      units,
    )
  }

  /**
   * For any network: writes `part` with that of the pair number `i` to `out`, and returns the address of the
   * user's part that belongs to it.
   */
  addPair(out: number, part: number, i: number): number {
    const { units, weight } = this.#model
    const x = this.#scratch.pairInputs + 4 * i * this.#width
    this.#kernels.rowProduct(out, x, weight.pairs, units, part, units, this.#width)
    return this.#users + 4 * units * this.#memory.u32[this.#codes / 4 + i * this.#codeStride]
  }
}

/** The first words that pairs read of each feature of the restaurants. */
function wordsRead({ pairs, features }: PairInputs): number[] {
  const words = pairs.flatMap((pair) => {
    if (pair.kind === 'distance' || pair.restaurant === undefined) return []
    const name = pair.restaurant
    const operand =
      codeOperand(features, 'restaurant', name, 0) ?? numberOperand(features, 'restaurant', name)
    return operand ? [operand.at] : []
  })
  return [...new Set(words)]
}
