import { linearLayers, type Network, type StateDict } from '../../src/model/network.ts'
import type { Random } from '../../src/random.ts'

/** A state dict in float64, so that a weight can be moved by less than float32 can tell. */
export type Weights = Map<string, Float64Array>

/** What one row of data gives a network. */
export interface Row64 {
  numbers: number[] // of the user, then of the restaurant
  codes: number[][] // of each embedding, in their order; a list's may be 0, which stands for none
}

/** PyTorch's own start: uniform in ±1/√inputs, rounded to float32; embeddings uniform in ±1. */
export function initialState(network: Network, random: Random): StateDict {
  const state: StateDict = new Map()
  for (const { name, codes, dim } of network.embeddings ?? []) {
    const data = Float32Array.from({ length: codes * dim }, () => 2 * random.float() - 1)
    state.set(`embedding.${name}.weight`, { shape: [codes, dim], data })
  }
  for (const { name, inputs, outputs } of linearLayers(network)) {
    const draw = () => (2 * random.float() - 1) / Math.sqrt(inputs)
    state.set(`${name}.weight`, {
      shape: [outputs, inputs],
      data: Float32Array.from({ length: outputs * inputs }, draw),
    })
    state.set(`${name}.bias`, { shape: [outputs], data: Float32Array.from({ length: outputs }, draw) })
  }
  return state
}

/** The codes that a list stands for: those that are not 0, or else 0 once. */
export function listed(codes: number[]): number[] {
  const some = codes.filter((code) => code !== 0)
  return some.length > 0 ? some : [0]
}

/** The numbers of a row, then of each embedding the mean of the table's rows of its codes. */
function inputs64(network: Network, weights: Weights, { numbers, codes }: Row64): number[] {
  const x = [...numbers]
  for (const [i, { name, dim }] of (network.embeddings ?? []).entries()) {
    const table = weights.get(`embedding.${name}.weight`)!
    const list = listed(codes[i])
    for (let k = 0; k < dim; k++) {
      let sum = 0
      for (const code of list) sum += table[code * dim + k]
      x.push(sum / list.length)
    }
  }
  return x
}

/** The logit of one row, layer by layer, nothing folded; and how near the nearest ReLU came to its kink. */
export function forward64(network: Network, weights: Weights, row: Row64) {
  let x = inputs64(network, weights, row)
  const direct = directSum(network, x)
  let margin = Infinity
  for (const { name, inputs, outputs, activation } of linearLayers(network)) {
    const weight = weights.get(`${name}.weight`)!
    const bias = weights.get(`${name}.bias`)!
    const h: number[] = []
    for (let j = 0; j < outputs; j++) {
      let sum = bias[j]
      for (let i = 0; i < inputs; i++) sum += weight[j * inputs + i] * x[i]
      if (activation === 'relu') margin = Math.min(margin, Math.abs(sum))
      h.push(activation === 'relu' ? Math.max(0, sum) : sum)
    }
    x = h
  }
  return { logit: x[0] + direct, margin }
}

/** What the numbers of direct embeddings add to the logit, beside their way through the layers. */
function directSum({ embeddings = [] }: Network, x: number[]): number {
  let at = x.length - embeddings.reduce((sum, { dim }) => sum + dim, 0)
  let sum = 0
  for (const { dim, direct } of embeddings) {
    if (direct) for (const value of x.slice(at, at + dim)) sum += value
    at += dim
  }
  return sum
}

/** Mean binary cross-entropy of a batch. */
export function meanLoss64(network: Network, weights: Weights, rows: Row64[], clicks: number[]): number {
  let sum = 0
  for (const [i, row] of rows.entries()) {
    const { logit } = forward64(network, weights, row)
    sum += Math.max(logit, 0) - clicks[i] * logit + Math.log1p(Math.exp(-Math.abs(logit)))
  }
  return sum / rows.length
}

const STEP = 1e-5 // the error of a central difference is of the order of its square

/** d(mean loss)/d(every weight) by central differences; 0 without looking for codes that no row has. */
export function numericGradient(
  network: Network,
  weights: Weights,
  rows: Row64[],
  clicks: number[],
): Weights {
  const gradient: Weights = new Map()
  for (const [name, values] of weights) {
    const differences = new Float64Array(values.length)
    const embedding = (network.embeddings ?? []).findIndex(
      (table) => name === `embedding.${table.name}.weight`,
    )
    const used = embedding === -1 ? null : new Set(rows.flatMap(({ codes }) => listed(codes[embedding])))
    const dim = network.embeddings?.[embedding]?.dim ?? 1
    for (const [i, value] of values.entries()) {
      if (used && !used.has(Math.floor(i / dim))) continue
      values[i] = value + STEP
      const up = meanLoss64(network, weights, rows, clicks)
      values[i] = value - STEP
      const down = meanLoss64(network, weights, rows, clicks)
      values[i] = value
      differences[i] = (up - down) / (2 * STEP)
    }
    gradient.set(name, differences)
  }
  return gradient
}
