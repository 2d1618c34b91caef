import {
  type FeaturesOf,
  type FeatureSpec,
  type PairFeature,
  SINGULAR,
  type Source,
  SOURCES,
} from '../../features/featureSpec.ts'
import { embeddingsOf, numbersOf } from '../../features/rowShape.ts'
import type { InputWriter } from '../../model/inputWriter.ts'
import { clickRow, type Network, sideRow } from '../../model/network.ts'

/** One feature of a model, and where all that it becomes lies. */
export interface FeaturePlace {
  source: Source
  feature: FeatureSpec | PairFeature
  name: string // `restaurant.cuisine`, as a declaration has it
  number: number // word of its numbers in its row: the side's, or that of context and pairs
  numbers: number
  code: number // likewise of its codes
  codes: number
  columns: readonly number[] // its inputs of the network: numbers, then those of each embedding
}

/** The features of a model in the order of their rows. */
export function featurePlaces(network: Network, features: FeaturesOf, writer: InputWriter): FeaturePlace[] {
  return SOURCES.flatMap((source) => {
    const columns = writer.columns(source)
    let { number, code } = firstWords(network, source)
    let column = 0
    let embedded = sideRow(network, source).numbers // columns of numbers come before those of embeddings
    return (features[source] ?? []).map((feature): FeaturePlace => {
      const tables = embeddingsOf(feature)
      const numbers = numbersOf(feature)
      const codes = tables.reduce((sum, { slots }) => sum + slots, 0)
      const width = tables.reduce((sum, { dim }) => sum + dim, 0)
      const own = [...columns.slice(column, column + numbers), ...columns.slice(embedded, embedded + width)]
      const name = `${SINGULAR[source]}.${feature.name}`
      const place = { source, feature, name, number, numbers, code, codes, columns: own }
      number += numbers
      code += codes
      column += numbers
      embedded += width
      return place
    })
  })
}

/** Where the numbers and the codes of a source begin in its row; context and pairs have one together. */
function firstWords(network: Network, source: Source): { number: number; code: number } {
  const { numbers, codes } = sideRow(network, 'context')
  const click = clickRow(network).numbers
  if (source === 'context') return { number: 0, code: click }
  if (source === 'pairs') return { number: numbers, code: click + codes }
  return { number: 0, code: sideRow(network, source).numbers }
}
