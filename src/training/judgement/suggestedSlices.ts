import type { FeaturesOf, FeatureSpec } from '../../features/featureSpec.ts'
import { isSliceable, SLICE_PREFIXES, SLICE_SOURCES, type SliceSource } from './sliceColumns.ts'

const NAMES_MAX = 2
const VALUES_MAX = 50 // of a category; beyond, most rows would be among the others

/** Names for `--slices`: the first fit category of the context and of each side, two at most. */
export function suggestedSlices(features: FeaturesOf): string[] {
  const ofSource = (source: SliceSource) => features[source] ?? []
  const nameOf = (source: SliceSource, { name }: FeatureSpec) => {
    const isAmbiguous = SLICE_SOURCES.some(
      (other) => other !== source && ofSource(other).some((feature) => feature.name === name),
    )
    return isAmbiguous ? `${SLICE_PREFIXES[source]}${name}` : name
  }
  return SLICE_SOURCES.flatMap((source) => {
    const fit = ofSource(source).find(isFit)
    return fit ? [nameOf(source, fit)] : []
  }).slice(0, NAMES_MAX)
}

/** A name of other characters would need quotes, or cannot be in a list with commas. */
function isFit(feature: FeatureSpec): boolean {
  if (feature.kind !== 'category' || !isSliceable(feature) || !/^\w[\w.-]*$/.test(feature.name)) return false
  const { id, position, values } = feature
  return !id && !position && values.length > 1 && values.length <= VALUES_MAX
}
