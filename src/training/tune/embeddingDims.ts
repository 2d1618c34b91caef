import type { Declaration } from '../../features/declaration.ts'
import {
  type FeatureSpec,
  type FeaturesOf,
  isOwnId,
  isPosition,
  type PairFeature,
  SINGULAR,
  type Source,
  SOURCES,
} from '../../features/featureSpec.ts'

/** By how much the embeddings of a trial are wider than those of the preset. */
export const DIM_FACTORS = [0.5, 1, 2] as const

const DIM_STEP = 4 // numbers that the kernels take at a time
const DIM_MAX = 256

type Embedded = (FeatureSpec | PairFeature) & { dim: number }

/**
 * Whether a search may change the width of any embedding: of no id, of no position, of none that is declared,
 * and of no pair that is not, since declaring it would move it behind others.
 */
export function hasFreeDims(features: FeaturesOf, declared: Declaration = {}): boolean {
  return SOURCES.some((source) => features[source]?.some((feature) => isFree(feature, source, declared)))
}

/** The same features, with embeddings `factor` times as wide, up to a multiple of 4. */
export function scaleDims(features: FeaturesOf, declared: Declaration = {}, factor = 1): FeaturesOf {
  if (factor === 1) return features
  const scaled = <F extends FeatureSpec | PairFeature>(source: Source, own: F[]): F[] =>
    own.map((feature) =>
      isFree(feature, source, declared) ? { ...feature, dim: dimOf(feature, factor) } : feature,
    )
  const { users, restaurants, context, pairs } = features
  return {
    users: scaled('users', users),
    restaurants: scaled('restaurants', restaurants),
    ...(context && { context: scaled('context', context) }),
    ...(pairs && { pairs: scaled('pairs', pairs) }),
  }
}

/** What to declare so that training makes the features that `scaleDims` gives. */
export function declareDims(features: FeaturesOf, declared: Declaration = {}, factor = 1): Declaration {
  if (factor === 1) return declared
  const entries = SOURCES.flatMap((source) =>
    (features[source] ?? []).flatMap((feature): [string, Declaration[string]][] => {
      if (!isFree(feature, source, declared) || dimOf(feature, factor) === feature.dim) return []
      const key = keyOf(feature, source)
      const inferred = { kind: feature.kind, ...(feature.kind === 'time' && { parts: feature.parts }) }
      return [[key, { ...inferred, ...declared[key], dim: dimOf(feature, factor) }]]
    }),
  )
  return { ...declared, ...Object.fromEntries(entries) }
}

function isFree(
  feature: FeatureSpec | PairFeature,
  source: Source,
  declared: Declaration,
): feature is Embedded {
  if (!('dim' in feature) || feature.dim === 0) return false
  if (feature.kind === 'category' && (isOwnId(feature) || isPosition(feature))) return false
  const entry = declared[keyOf(feature, source)]
  return entry ? entry.dim === undefined : source !== 'pairs'
}

function keyOf({ name }: { name: string }, source: Source): string {
  return `${SINGULAR[source]}.${name}`
}

function dimOf({ dim }: Embedded, factor: number): number {
  return Math.min(DIM_MAX, DIM_STEP * Math.max(1, Math.round((dim * factor) / DIM_STEP)))
}
