import { type FeaturesOf, SOURCES, SINGULAR } from '../features/featureSpec.ts'
import { originOf } from '../features/grow.ts'
import { embeddingsOf, FIRST_CODE, UNSEEN_CODE } from '../features/rowShape.ts'
import { embeddingTensor, type StateDict } from './network.ts'

/**
 * The state dict of a model whose vocabularies have grown from `old` to `grown`: the rows of new values are
 * copies of the row of unseen values, everything else is as it was.
 */
export function growState(state: StateDict, old: FeaturesOf, grown: FeaturesOf): StateDict {
  const result: StateDict = new Map(state)
  for (const source of SOURCES)
    for (const [i, feature] of (grown[source] ?? []).entries()) {
      const before = old[source]![i]
      for (const { name, codes } of embeddingsOf(feature)) {
        const tensor = embeddingTensor({ name: `${SINGULAR[source]}.${name}` })
        const own = state.get(tensor)
        if (own === undefined || own.shape[0] === codes) continue // of dim 0, or no larger than before
        const from = rowOrigin(before, feature, own.shape[0])
        result.set(tensor, withRows(own, codes, from))
      }
    }
  return result
}

type Spec = NonNullable<FeaturesOf[keyof FeaturesOf]>[number]

/** Which row of the old table a row of the new one begins as. */
function rowOrigin(old: Spec, grown: Spec, codes: number): (code: number) => number {
  if (old.kind === 'cross' && grown.kind === 'cross')
    return (code) => (code < FIRST_CODE ? code : FIRST_CODE + originOf(code - FIRST_CODE, old, grown).bucket)
  return (code) => (code < codes ? code : UNSEEN_CODE)
}

function withRows(
  { shape, data }: { shape: number[]; data: Float32Array },
  codes: number,
  from: (code: number) => number,
) {
  const [, dim] = shape
  const grown = new Float32Array(codes * dim)
  for (let code = 0; code < codes; code++) {
    const at = from(code) * dim
    grown.set(data.subarray(at, at + dim), code * dim)
  }
  return { shape: [codes, dim], data: grown }
}
