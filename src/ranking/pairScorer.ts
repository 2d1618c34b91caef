import { NearrankError } from '../errors.ts'
import type { Words } from '../features/encodeRow.ts'
import { SOURCES } from '../features/featureSpec.ts'
import type { EncodedPair } from '../features/pairs/encodedPair.ts'
import { type PairEncoder, pairEncoder } from '../features/pairs/pairEncoder.ts'
import { bindKernels, type Kernels } from '../kernels/kernels.ts'
import type { EmbeddingLayout } from '../model/layout.ts'
import { type RowViews, writeInputs } from '../model/sideInputs.ts'
import type { EffectiveLayer } from '../model/foldNetwork.ts'
import { CHUNK_ROWS, PAIR_ROWS, type ScoringMemory } from './scoringMemory.ts'

const CACHE_LINE_BYTES = 64

/** What the features of pairs are computed with; in this thread's scratch. */
interface PairScratch {
  encoder: PairEncoder
  pair: EncodedPair // of the user, and of each restaurant in turn
  words: Words
  number: number // word of the click's row at which their numbers begin
  code: number // word at which it ends, their codes being the last
  parts: number // [PAIR_ROWS, units]
}

/**
 * Logits of one user with many restaurants, through the folded network. Its first layer is split: the user's
 * part is computed once a user, a restaurant's part whenever its features change. A pair then costs an
 * addition, a ReLU and a multiply-add for each unit, and deeper layers as they are. One for each thread.
 */
export class PairScorer {
  readonly #model: ScoringMemory
  readonly #kernels: Kernels
  readonly #f32: Float32Array // the model's whole memory
  readonly #u32: Uint32Array
  readonly #restaurantRow: RowViews // of [restaurants, words]; `at` is set for each
  readonly #userRow: RowViews // in this thread's scratch
  readonly #to: { f32: Float32Array; start: number } // the scratch for a row's inputs
  readonly #tables: { values: Float32Array; tableAt: (embedding: EmbeddingLayout) => number }
  readonly #input: number // addresses in this thread's scratch
  readonly #user: number
  readonly #part: number
  readonly #clickRow: RowViews // of context and pairs, in the scratch
  readonly #pairs: PairScratch | null // null: the network has no features of pairs
  readonly #rows: number
  readonly #logits: number
  readonly #outputs: Float64Array[] // of each layer, for one pair

  /**
   * `features`: [restaurants, words], encoded rows, see `RowEncoder`; may be shared memory that changes, see
   * `updateRow`.
   */
  constructor(model: ScoringMemory, features: Float32Array, thread = 0) {
    if (!(thread >= 0 && thread < model.threads))
      throw new NearrankError('INTERNAL', `thread ${thread} of ${model.threads} has no room to score in`)
    const { inputs, units, layers } = model
    this.#model = model
    this.#kernels = bindKernels(model.kernels, model.memory)
    this.#f32 = new Float32Array(model.memory.buffer)
    this.#u32 = new Uint32Array(model.memory.buffer)
    const codes = new Uint32Array(features.buffer, features.byteOffset, features.length)
    this.#restaurantRow = { numbers: features, codes, at: 0 }
    const base = model.embeddings / 4
    this.#tables = { values: this.#f32, tableAt: ({ offset }) => base + offset }
    let at = model.scratch + thread * model.scratchBytes
    const reserve = (floats: number) => {
      const start = at
      at = Math.ceil((at + 4 * floats) / CACHE_LINE_BYTES) * CACHE_LINE_BYTES
      return start
    }
    this.#input = reserve(Math.max(...SOURCES.map((source) => inputs[source].width)))
    this.#userRow = { numbers: this.#f32, codes: this.#u32, at: reserve(inputs.users.words) / 4 }
    this.#to = { f32: this.#f32, start: this.#input / 4 }
    this.#user = reserve(units)
    this.#part = reserve(units)
    this.#rows = reserve(CHUNK_ROWS)
    this.#logits = reserve(CHUNK_ROWS)
    this.#clickRow = { numbers: this.#f32, codes: this.#u32, at: reserve(inputs.context.words) / 4 }
    this.#pairs = model.pairs && {
      encoder: pairEncoder(model.pairs.pairs, model.pairs.features, model.pairs.rates),
      pair: {
        user: { f32: this.#f32, u32: this.#u32, at: this.#userRow.at },
        restaurant: { f32: features, u32: codes, at: 0 },
        context: { f32: this.#f32, u32: this.#u32, at: this.#clickRow.at },
        distanceM: Number.NaN,
      },
      words: { f32: this.#f32, u32: this.#u32 },
      number: this.#clickRow.at + inputs.pairs.numberAt,
      code: this.#clickRow.at + inputs.pairs.words,
      parts: reserve(PAIR_ROWS * units),
    }
    this.#outputs = [model.firstUnits, ...layers.map(({ outputs }) => outputs)].map(
      (outputs) => new Float64Array(outputs),
    )
  }

  /**
   * `features`: [words], the encoded row of the user whom the next scores are for; `context`: [words], that
   * of the request, if the network takes any.
   * @throws NearrankError INPUT for another number of them.
   */
  setUser(features: Float32Array, context?: Float32Array): void {
    const { inputs, weight, units, bias } = this.#model
    const { words, width } = inputs.users
    if (features.length !== words)
      throw new NearrankError(
        'INPUT',
        `Cannot rank: the model takes ${words} user features, found ${features.length}`,
      )
    const codes = new Uint32Array(features.buffer, features.byteOffset, words)
    this.#u32.set(codes, this.#userRow.at)
    writeInputs(inputs.users, this.#userRow, this.#to, this.#tables)
    this.#kernels.rowProduct(this.#user, this.#input, weight.users, units, bias, units, width)
    if (context && inputs.context.width > 0) this.#addContext(context)
  }

  /** The context is the same for all restaurants, so its part goes into the user's. */
  #addContext(context: Float32Array): void {
    const { inputs, weight, units } = this.#model
    const { width } = inputs.context
    const codes = new Uint32Array(context.buffer, context.byteOffset, context.length)
    const { numbers } = inputs.context
    this.#u32.set(codes.subarray(0, numbers), this.#clickRow.at)
    this.#u32.set(codes.subarray(numbers), this.#clickRow.at + inputs.pairs.numberAt + inputs.pairs.numbers)
    writeInputs(inputs.context, this.#clickRow, this.#to, this.#tables)
    this.#kernels.rowProduct(this.#user, this.#input, weight.context, units, this.#user, units, width)
  }

  /** Computes the part of a restaurant whose features have changed: 0.2 µs for 10 features and 128 units. */
  updateRow(row: number): void {
    const { parts, units } = this.#model
    if (parts !== 0) this.#partInto(parts + 4 * row * units, row)
  }

  /** `updateRow` for all rows from `start` (included) to `end` (not). */
  updateRows(start: number, end: number): void {
    for (let row = start; row < end; row++) this.updateRow(row)
  }

  /**
   * Writes the logits of the user with the first `count` of the restaurants `rows`, which are so far away;
   * absent: it is not known.
   */
  scoreInto(logits: Float64Array, rows: Uint32Array, count: number, distancesM?: Float64Array): void {
    const { parts, layers } = this.#model
    if (this.#pairs) return this.#scorePairsInto(logits, rows, count, { pairs: this.#pairs, distancesM })
    if (parts !== 0 && layers.length === 1) return this.#scoreHiddenInto(logits, rows, count)
    for (let i = 0; i < count; i++) logits[i] = this.#scoreOne(rows[i])
  }

  /** With features of pairs every restaurant's part is another for each user: a block of them at a time. */
  #scorePairsInto(
    logits: Float64Array,
    rows: Uint32Array,
    count: number,
    { pairs, distancesM }: { pairs: PairScratch; distancesM: Float64Array | undefined },
  ): void {
    const { units, layers, wOut } = this.#model
    for (let start = 0; start < count; start += PAIR_ROWS) {
      const length = Math.min(PAIR_ROWS, count - start)
      for (let i = 0; i < length; i++) {
        this.#u32[this.#rows / 4 + i] = i
        const metres = distancesM?.[start + i] ?? Number.NaN
        this.#pairPartInto(pairs.parts + 4 * i * units, rows[start + i], { pairs, metres })
      }
      if (layers.length === 1) {
        const bias = layers[0].bias[0]
        this.#kernels.scoreRows(
          this.#logits,
          this.#rows,
          length,
          pairs.parts,
          units,
          this.#user,
          wOut,
          bias,
          units,
        )
        for (let i = 0; i < length; i++) logits[start + i] = this.#f32[this.#logits / 4 + i]
      } else for (let i = 0; i < length; i++) logits[start + i] = this.#scorePart(pairs.parts + 4 * i * units)
    }
  }

  /** A restaurant's part and that of its pair with the user together. */
  #pairPartInto(out: number, row: number, { pairs, metres }: { pairs: PairScratch; metres: number }): void {
    const { parts, inputs, weight, units } = this.#model
    if (parts === 0) this.#partInto(this.#part, row)
    const { encoder, pair, words, number, code } = pairs
    pair.restaurant.at = row * inputs.restaurants.words
    pair.distanceM = metres
    encoder.encodeInto(words, number, code - encoder.codes, pair)
    writeInputs(inputs.pairs, this.#clickRow, this.#to, this.#tables)
    const part = parts === 0 ? this.#part : parts + 4 * row * units
    this.#kernels.rowProduct(out, this.#input, weight.pairs, units, part, units, inputs.pairs.width)
  }

  #scoreHiddenInto(logits: Float64Array, rows: Uint32Array, count: number): void {
    const { layers } = this.#model
    const bias = layers[0].bias[0]
    const rowsAt = this.#rows / 4
    const logitsAt = this.#logits / 4
    for (let start = 0; start < count; start += CHUNK_ROWS) {
      const length = Math.min(CHUNK_ROWS, count - start)
      for (let i = 0; i < length; i++) this.#u32[rowsAt + i] = rows[start + i]
      this.#scoreChunk(length, bias)
      for (let i = 0; i < length; i++) logits[start + i] = this.#f32[logitsAt + i]
    }
  }

  #scoreChunk(length: number, bias: number): void {
    const { parts, units, wOut } = this.#model
    this.#kernels.scoreRows(this.#logits, this.#rows, length, parts, units, this.#user, wOut, bias, units)
  }

  /** Any depth, with or without precomputed parts. */
  #scoreOne(row: number): number {
    const { parts, units } = this.#model
    if (parts === 0) this.#partInto(this.#part, row)
    return this.#scorePart(parts === 0 ? this.#part : parts + 4 * row * units)
  }

  #scorePart(at: number): number {
    const { layers, firstUnits } = this.#model
    const part = at / 4
    const user = this.#user / 4
    const [first] = this.#outputs
    if (layers.length === 0) return this.#f32[user] + this.#f32[part]
    for (let unit = 0; unit < firstUnits; unit++)
      first[unit] = Math.max(0, this.#f32[user + unit] + this.#f32[part + unit])
    for (const [l, layer] of layers.entries()) layerInto(this.#outputs[l + 1], layer, this.#outputs[l])
    return this.#outputs[layers.length][0]
  }

  #partInto(out: number, row: number): void {
    const { inputs, weight, units, zeros } = this.#model
    const { words, width } = inputs.restaurants
    this.#restaurantRow.at = row * words
    writeInputs(inputs.restaurants, this.#restaurantRow, this.#to, this.#tables)
    this.#kernels.rowProduct(out, this.#input, weight.restaurants, units, zeros, units, width)
  }
}

function layerInto(out: Float64Array, layer: EffectiveLayer, x: Float64Array): void {
  const { inputs, outputs, weight, bias, relu } = layer
  for (let o = 0; o < outputs; o++) {
    let sum = bias[o]
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[i]
    out[o] = relu && sum < 0 ? 0 : sum
  }
}
