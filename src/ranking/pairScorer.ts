import { NearrankError } from '../errors.ts'
import { type EffectiveLayer, foldNetwork } from '../model/foldNetwork.ts'
import type { Network, StateDict } from '../model/network.ts'

const CHUNK_ROWS = 256 // restaurants at a time where their parts are not precomputed
const CHUNK = Uint32Array.from({ length: CHUNK_ROWS }, (_, i) => i)

export interface PairScorerOptions {
  network: Network
  weights: StateDict
  restaurantFeatures: Float32Array // [restaurants, network.restaurantFeatures], raw
  precomputeBytesMax?: number // for the restaurants' parts; without room they are computed anew each time, @default 1 GiB
}

/**
 * Logits of one user with many restaurants, through the folded network. Its first layer is split: the user's part is
 * computed once a user, the restaurants' parts once at construction (4 bytes × restaurants × units: 51 MB for
 * 100,000 × 128). A pair then costs an addition, a ReLU and a multiply-add for each unit, and deeper layers as they are.
 */
export class PairScorer {
  readonly #first: EffectiveLayer
  readonly #rest: EffectiveLayer[]
  readonly #userFeatures: number
  readonly #restaurantFeatures: Float32Array // [restaurants, inputs of the first layer − userFeatures]
  readonly #parts: Float32Array | null // [restaurants, units of the first layer]; null: too large
  readonly #user: Float64Array // [units], bias included
  readonly #outputs: Float64Array[] // of each layer, for one pair

  /**
   * @throws NearrankError INPUT where `restaurantFeatures` are no whole rows, DAMAGED where `weights` do not fit the
   *   network.
   */
  constructor(options: PairScorerOptions) {
    const { network, weights, restaurantFeatures, precomputeBytesMax = 2 ** 30 } = options
    const [first, ...rest] = foldNetwork(network, weights)
    const restaurants = restaurantFeatures.length / network.restaurantFeatures
    if (!Number.isInteger(restaurants))
      throw new NearrankError(
        'INPUT',
        `Cannot rank: restaurant features must be rows of ${network.restaurantFeatures}, ` +
          `found ${restaurantFeatures.length} numbers`,
      )
    this.#first = first
    this.#rest = rest
    this.#userFeatures = network.userFeatures
    this.#restaurantFeatures = restaurantFeatures
    this.#user = new Float64Array(first.outputs)
    this.#outputs = [first, ...rest].map((layer) => new Float64Array(layer.outputs))
    this.#parts =
      restaurants * first.outputs * 4 > precomputeBytesMax
        ? null
        : this.#partsOf(Uint32Array.from({ length: restaurants }, (_, row) => row))
  }

  /**
   * `features`: [userFeatures] of the user whom the next scores are for.
   * @throws NearrankError INPUT where it is another number of features.
   */
  setUser(features: Float32Array): void {
    if (features.length !== this.#userFeatures)
      throw new NearrankError(
        'INPUT',
        `Cannot rank: the model wants ${this.#userFeatures} user features, found ${features.length}`,
      )
    const { inputs, outputs, weight, bias } = this.#first
    for (let unit = 0; unit < outputs; unit++) {
      let sum = bias[unit]
      for (let f = 0; f < features.length; f++) sum += weight[unit * inputs + f] * features[f]
      this.#user[unit] = sum
    }
  }

  /** Writes the logits of the user with the first `count` of the restaurants `rows`. */
  scoreInto(logits: Float64Array, rows: Uint32Array, count: number): void {
    if (this.#parts) return this.#scorePartsInto(logits, this.#parts, rows, count)
    for (let start = 0; start < count; start += CHUNK_ROWS) {
      const end = Math.min(start + CHUNK_ROWS, count)
      const parts = this.#partsOf(rows.subarray(start, end))
      this.#scorePartsInto(logits.subarray(start, end), parts, CHUNK, end - start)
    }
  }

  /** The first layer's products with the features of `rows`, without bias: [rows, units]. */
  #partsOf(rows: Uint32Array): Float32Array {
    const parts = new Float32Array(rows.length * this.#first.outputs)
    restaurantPartsInto(parts, this.#first, this.#userFeatures, this.#restaurantFeatures, rows)
    return parts
  }

  #scorePartsInto(logits: Float64Array, parts: Float32Array, rows: Uint32Array, count: number): void {
    const [last, ...deeper] = this.#rest
    if (!last) scoreLinearInto(logits, parts, rows, count, this.#user[0])
    else if (deeper.length === 0)
      scoreHiddenInto(logits, parts, rows, count, this.#user, last.weight, last.bias[0])
    else
      for (let i = 0; i < count; i++) {
        reluSumInto(this.#outputs[0], this.#user, parts, rows[i] * this.#first.outputs)
        for (const [l, layer] of this.#rest.entries())
          layerInto(this.#outputs[l + 1], layer, this.#outputs[l])
        logits[i] = this.#outputs[this.#rest.length][0]
      }
  }
}

function restaurantPartsInto(
  parts: Float32Array, // [rows, units]
  { inputs, outputs: units, weight }: EffectiveLayer,
  userFeatures: number,
  features: Float32Array, // [restaurants, inputs − userFeatures]
  rows: Uint32Array,
): void {
  const width = inputs - userFeatures
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * width
    for (let unit = 0; unit < units; unit++) {
      const at = unit * inputs + userFeatures
      let sum = 0
      for (let f = 0; f < width; f++) sum += weight[at + f] * features[from + f]
      parts[i * units + unit] = sum
    }
  }
}

/** No hidden layer: a pair's logit is the sum of its two parts. */
function scoreLinearInto(
  logits: Float64Array,
  parts: Float32Array, // [restaurants]
  rows: Uint32Array,
  count: number,
  user: number,
): void {
  for (let i = 0; i < count; i++) logits[i] = user + parts[rows[i]]
}

/**
 * One hidden layer: weight · relu(user + part) + bias. Twice the ReLU is h + |h|, exactly and without a branch: signs are
 * random, and a mispredicted branch for every other unit took most of the time.
 */
function scoreHiddenInto(
  logits: Float64Array,
  parts: Float32Array, // [restaurants, units]
  rows: Uint32Array,
  count: number,
  user: Float64Array, // [units]
  weight: Float32Array, // [units]
  bias: number,
): void {
  const units = user.length
  for (let i = 0; i < count; i++) {
    const at = rows[i] * units
    let twice = 0
    for (let unit = 0; unit < units; unit++) {
      const h = user[unit] + parts[at + unit]
      twice += (h + Math.abs(h)) * weight[unit]
    }
    logits[i] = bias + twice / 2
  }
}

function reluSumInto(out: Float64Array, user: Float64Array, parts: Float32Array, at: number): void {
  for (let unit = 0; unit < out.length; unit++) out[unit] = Math.max(0, user[unit] + parts[at + unit])
}

function layerInto(out: Float64Array, layer: EffectiveLayer, x: Float64Array): void {
  const { inputs, outputs, weight, bias, relu } = layer
  for (let o = 0; o < outputs; o++) {
    let sum = bias[o]
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[i]
    out[o] = relu && sum < 0 ? 0 : sum
  }
}
