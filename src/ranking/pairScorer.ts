import { NearrankError } from '../errors.ts'
import { bindKernels, type Kernels } from '../kernels/kernels.ts'
import type { EmbeddingLayout } from '../model/layout.ts'
import { type RowViews, writeInputs } from '../model/sideInputs.ts'
import type { EffectiveLayer } from '../model/foldNetwork.ts'
import { scoreOf } from '../model/scoreOf.ts'
import { PairBlock } from './pairBlock.ts'
import { CHUNK_ROWS, PAIR_ROWS, type ScoringMemory, type Scratch, scratchOf } from './scoringMemory.ts'

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
  readonly #scratch: Scratch // this thread's
  readonly #contextRow: RowViews
  readonly #pairs: PairBlock | null // null: the network has no features of pairs
  readonly #outputs: Float64Array[] // of each layer, for one pair

  /**
   * `features`: [restaurants, words], encoded rows, see `RowEncoder`; may be shared memory that changes, see
   * `updateRow`.
   */
  constructor(model: ScoringMemory, features: Float32Array, thread = 0) {
    if (!(thread >= 0 && thread < model.threads))
      throw new NearrankError('INTERNAL', `thread ${thread} of ${model.threads} has no room to score in`)
    this.#model = model
    this.#kernels = bindKernels(model.kernels, model.memory)
    this.#f32 = new Float32Array(model.memory.buffer)
    this.#u32 = new Uint32Array(model.memory.buffer)
    const codes = new Uint32Array(features.buffer, features.byteOffset, features.length)
    this.#restaurantRow = { numbers: features, codes, at: 0 }
    const base = model.embeddings / 4
    this.#tables = { values: this.#f32, tableAt: ({ offset }) => base + offset }
    const scratch = scratchOf(model, thread)
    this.#scratch = scratch
    this.#userRow = { numbers: this.#f32, codes: this.#u32, at: scratch.userRow / 4 }
    this.#contextRow = { numbers: this.#f32, codes: this.#u32, at: scratch.contextRow / 4 }
    this.#to = { f32: this.#f32, start: scratch.input / 4 }
    const { pairs, layers } = model
    this.#pairs =
      pairs &&
      new PairBlock({ ...model, pairs }, this.#kernels, {
        memory: { f32: this.#f32, u32: this.#u32 },
        scratch,
        restaurants: { f32: features, u32: codes },
      })
    this.#outputs = [model.firstUnits, ...layers.map(({ outputs }) => outputs)].map(
      (outputs) => new Float64Array(outputs),
    )
  }

  /** What is told of a logit. */
  scoreOf(logit: number): number {
    return scoreOf(logit, this.#model.scores)
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
    this.#kernels.rowProduct(this.#scratch.user, this.#scratch.input, weight.users, units, bias, units, width)
    if (context && inputs.context.width > 0) this.#addContext(context)
    this.#pairs?.setUser()
  }

  /** The context is the same for all restaurants, so its part goes into the user's. */
  #addContext(context: Float32Array): void {
    const { inputs, weight, units } = this.#model
    const { width } = inputs.context
    const codes = new Uint32Array(context.buffer, context.byteOffset, context.length)
    const { numbers } = inputs.context
    this.#u32.set(codes.subarray(0, numbers), this.#contextRow.at)
    this.#u32.set(codes.subarray(numbers), this.#contextRow.at + inputs.pairs.numberAt + inputs.pairs.numbers)
    writeInputs(inputs.context, this.#contextRow, this.#to, this.#tables)
    this.#kernels.rowProduct(
      this.#scratch.user,
      this.#scratch.input,
      weight.context,
      units,
      this.#scratch.user,
      units,
      width,
    )
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
    if (this.#pairs) return this.#scorePairsInto(logits, rows, count, { block: this.#pairs, distancesM })
    if (parts !== 0 && layers.length === 1) return this.#scoreHiddenInto(logits, rows, count)
    for (let i = 0; i < count; i++) logits[i] = this.#scoreOne(rows[i])
  }

  /** With features of pairs, which are others for each user and restaurant: a block at a time. */
  #scorePairsInto(
    logits: Float64Array,
    rows: Uint32Array,
    count: number,
    { block, distancesM }: { block: PairBlock; distancesM: Float64Array | undefined },
  ): void {
    const hasLayer = this.#model.layers.length === 1
    const logitsAt = this.#scratch.logits / 4
    for (let start = 0; start < count; start += PAIR_ROWS) {
      const length = Math.min(PAIR_ROWS, count - start)
      block.encode(rows, start, length, distancesM)
      const parts = this.#partsOf(rows, start, length)
      if (hasLayer) {
        block.score(parts, length)
        for (let i = 0; i < length; i++) logits[start + i] = this.#f32[logitsAt + i]
      } else for (let i = 0; i < length; i++) logits[start + i] = this.#scoreWithPair(block, parts, i)
    }
  }

  /** Writes to the scratch which parts the restaurants have of those at the address that it returns. */
  #partsOf(rows: Uint32Array, start: number, length: number): number {
    const { parts, units } = this.#model
    const rowsAt = this.#scratch.rows / 4
    for (let i = 0; i < length; i++) {
      this.#u32[rowsAt + i] = parts === 0 ? i : rows[start + i]
      if (parts === 0) this.#partInto(this.#scratch.pairParts + 4 * i * units, rows[start + i])
    }
    return parts === 0 ? this.#scratch.pairParts : parts
  }

  #scoreWithPair(block: PairBlock, parts: number, i: number): number {
    const { part, rows } = this.#scratch
    const own = parts + 4 * this.#u32[rows / 4 + i] * this.#model.units
    const user = block.addPair(part, own, i)
    return this.#scorePart(part, user)
  }

  #scoreHiddenInto(logits: Float64Array, rows: Uint32Array, count: number): void {
    const { layers } = this.#model
    const bias = layers[0].bias[0]
    const rowsAt = this.#scratch.rows / 4
    const logitsAt = this.#scratch.logits / 4
    for (let start = 0; start < count; start += CHUNK_ROWS) {
      const length = Math.min(CHUNK_ROWS, count - start)
      for (let i = 0; i < length; i++) this.#u32[rowsAt + i] = rows[start + i]
      this.#scoreChunk(length, bias)
      for (let i = 0; i < length; i++) logits[start + i] = this.#f32[logitsAt + i]
    }
  }

  #scoreChunk(length: number, bias: number): void {
    const { parts, units, wOut } = this.#model
    this.#kernels.scoreRows(
      this.#scratch.logits,
      this.#scratch.rows,
      length,
      parts,
      units,
      this.#scratch.user,
      wOut,
      bias,
      units,
    )
  }

  /** Any depth, with or without precomputed parts. */
  #scoreOne(row: number): number {
    const { parts, units } = this.#model
    if (parts === 0) this.#partInto(this.#scratch.part, row)
    return this.#scorePart(parts === 0 ? this.#scratch.part : parts + 4 * row * units)
  }

  #scorePart(partAt: number, userAt = this.#scratch.user): number {
    const { layers, firstUnits } = this.#model
    const part = partAt / 4
    const user = userAt / 4
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
    this.#kernels.rowProduct(out, this.#scratch.input, weight.restaurants, units, zeros, units, width)
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
