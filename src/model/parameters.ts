import type { LayerLayout, NetworkLayout } from './layout.ts'
import { embeddingTensor, type StateDict } from './network.ts'

/**
 * Copies a state dict (weights [outputs, inputs], biases [outputs]) to its places in `parameters`; padding
 * becomes zeros.
 */
export function stateToParameters(layout: NetworkLayout, state: StateDict, parameters: Float32Array): void {
  parameters.fill(0)
  for (const { table, offset } of layout.embeddings)
    parameters.set(state.get(embeddingTensor(table))!.data, offset)
  for (const at of layout.layers) {
    const weight = state.get(`${at.layer.name}.weight`)!.data
    const bias = state.get(`${at.layer.name}.bias`)!.data
    const { inputs, outputs } = at.layer
    for (let i = 0; i < inputs; i++)
      for (let j = 0; j < outputs; j++) parameters[weightIndex(at, i, j)] = weight[j * inputs + i]
    for (let j = 0; j < outputs; j++) parameters[biasIndex(at, j)] = bias[j]
  }
}

/**
 * The way back: copies, so that the result does not change with `parameters`; `isShared`: embeddings, which
 * are nearly all of it, stay where they are.
 */
export function parametersToState(
  layout: NetworkLayout,
  parameters: Float32Array,
  options: { isShared?: boolean } = {},
): StateDict {
  const state: StateDict = new Map()
  for (const { table, offset, size } of layout.embeddings) {
    const own = parameters.subarray(offset, offset + size)
    const data = options.isShared ? own : own.slice()
    state.set(embeddingTensor(table), { shape: [table.codes, table.dim], data })
  }
  for (const at of layout.layers) {
    const { name, inputs, outputs } = at.layer
    const weight = new Float32Array(outputs * inputs)
    const bias = new Float32Array(outputs)
    for (let i = 0; i < inputs; i++)
      for (let j = 0; j < outputs; j++) weight[j * inputs + i] = parameters[weightIndex(at, i, j)]
    for (let j = 0; j < outputs; j++) bias[j] = parameters[biasIndex(at, j)]
    state.set(`${name}.weight`, { shape: [outputs, inputs], data: weight })
    state.set(`${name}.bias`, { shape: [outputs], data: bias })
  }
  return state
}

function weightIndex(at: LayerLayout, input: number, output: number): number {
  return at.offset + input * at.outputs + output
}

function biasIndex(at: LayerLayout, output: number): number {
  return at.offset + at.inputs * at.outputs + output
}
