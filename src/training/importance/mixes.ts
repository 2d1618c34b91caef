import { type Source, SOURCES } from '../../features/featureSpec.ts'
import { featureInputs } from '../../model/featureInputs.ts'
import { modelFeatures } from '../../model/modelFeatures.ts'
import type { ModelDescription } from '../../model/modelFile.ts'

/** Group of features, by where they come from. */
export type FeatureGroup = 'user' | 'restaurant' | 'context' | 'pairs'

/** Inputs of a network that come from another row together: those of a feature, or of a group. */
export interface Mix {
  name: string // `user.age`; of a group its own
  group: FeatureGroup
  inputs: number[]
}

const GROUP_OF: Record<Source, FeatureGroup> = {
  users: 'user',
  restaurants: 'restaurant',
  context: 'context',
  pairs: 'pairs',
}

/** Of every group and every feature that has inputs. */
export function mixesOf(description: ModelDescription): { groups: Mix[]; features: Mix[] } {
  const features = featureInputs(modelFeatures(description)).map(({ name, source, inputs }): Mix => {
    return { name, group: GROUP_OF[source], inputs }
  })
  const groups = SOURCES.map((source): Mix => {
    const group = GROUP_OF[source]
    const inputs = features.filter((feature) => feature.group === group).flatMap((own) => own.inputs)
    return { name: group, group, inputs }
  })
  const hasInputs = ({ inputs }: Mix) => inputs.length > 0
  return { groups: groups.filter(hasInputs), features: features.filter(hasInputs) }
}
