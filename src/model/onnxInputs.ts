import { layoutNetwork } from './layout.ts'
import { embeddingsOf, embeddingTensor, inputWidth, type Network, numberInputs, sideRow } from './network.ts'
import { SINGULAR, SOURCES } from '../features/featureSpec.ts'

/** An operator of an ONNX graph. */
export interface Node {
  name: string
  operator: string
  inputs: string[]
  output: string
  integers?: Record<string, number>
}

/** An input or output of a graph. */
export interface ValueInfo {
  name: string
  shape: (number | string)[]
  about: string
  elementType?: number // of onnx.proto, @default float
}

const ELEMENT_FLOAT = 1
const ELEMENT_INT64 = 7

/** What a graph is given. */
export function inputInfos(network: Network): ValueInfo[] {
  const { userFeatures, restaurantFeatures } = network
  const listed = (what: 'numbers' | 'codes') =>
    SOURCES.map((source) => [SINGULAR[source], sideRow(network, source)[what]] as const)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} of the ${name}`)
      .join(', then ')
  if (embeddingsOf(network).length === 0)
    return [
      {
        name: 'features',
        shape: ['N', inputWidth(network)],
        about: `${userFeatures} user features, then ${restaurantFeatures} restaurant features`,
      },
    ]
  const infos: ValueInfo[] = [
    {
      name: 'codes',
      shape: ['N', embeddingsOf(network).reduce((sum, { slots }) => sum + slots, 0)],
      about: listed('codes'),
      elementType: ELEMENT_INT64,
    },
  ]
  if (numberInputs(network) > 0)
    infos.unshift({
      name: 'numbers',
      shape: ['N', numberInputs(network)],
      about: listed('numbers'),
    })
  return infos
}

/** From the graph's inputs to those of the first layer, in `value`; `constants`: int64 initializers. */
export function inputNodes(network: Network): {
  nodes: Node[]
  constants: Map<string, number[]>
  value: string
} {
  const constants = new Map<string, number[]>()
  const tables = embeddingsOf(network)
  if (tables.length === 0) return { nodes: [], constants, value: 'features' }
  const nodes: Node[] = []
  const parts = numberInputs(network) > 0 ? ['numbers'] : []
  constants.set('axis.1', [1])
  constants.set('zero', [0])
  constants.set('one', [1])
  for (const { table, code } of layoutNetwork(network).embeddings) {
    const { name, slots } = table
    const at = `embedding.${name}`
    const add = (what: string, operator: string, inputs: string[], integers?: Record<string, number>) => {
      nodes.push({
        name: `${at}.${what}`,
        operator,
        inputs,
        output: `${at}.${what}`,
        ...(integers && { integers }),
      })
      return `${at}.${what}`
    }
    constants.set(
      `${at}.columns`,
      Array.from({ length: slots }, (_, slot) => code + slot),
    )
    const codes = add('codes', 'Gather', ['codes', `${at}.columns`], { axis: 1 }) // [N, slots]
    const rows = add('rows', 'Gather', [embeddingTensor(table), codes]) // [N, slots, dim]
    if (slots === 1) {
      parts.push(add('value', 'Squeeze', [rows, 'axis.1']))
      continue
    }
    // The mean over the codes that are not 0; of a list without any, row 0, which then stands first.
    const none = add('none', 'Equal', [codes, 'zero'])
    const some = add('some', 'Not', [none])
    const used = add('used', 'Cast', [some], { to: ELEMENT_FLOAT }) // [N, slots]
    const count = add('count', 'ReduceSum', [used, 'axis.1']) // [N, 1]
    const floor = add('floor', 'Cast', ['one'], { to: ELEMENT_FLOAT })
    const divisor = add('divisor', 'Max', [count, floor])
    const shares = add('shares', 'Div', [used, divisor])
    constants.set(`${at}.last`, [2])
    const wide = add('wide', 'Unsqueeze', [shares, `${at}.last`]) // [N, slots, 1]
    const weighted = add('weighted', 'Mul', [rows, wide])
    const mean = add('mean', 'ReduceSum', [weighted, 'axis.1'], { keepdims: 0 }) // [N, dim]
    const present = add('present', 'Min', [count, floor])
    const absent = add('absent', 'Sub', [floor, present]) // [N, 1]: 1 for a list without any
    const first = add('first', 'Gather', [rows, 'zero'], { axis: 1 }) // [N, 1, dim]
    const row = add('row', 'Squeeze', [first, 'axis.1'])
    const missing = add('missing', 'Mul', [row, absent])
    parts.push(add('value', 'Add', [mean, missing]))
  }
  nodes.push({ name: 'inputs', operator: 'Concat', inputs: parts, output: 'inputs', integers: { axis: 1 } })
  return { nodes, constants, value: 'inputs' }
}
