import { basename, resolve } from 'node:path'
import { dataOfModel } from '../../dataset/dataOfModel.ts'
import type { OpenOptions } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { type FeaturesOf, SINGULAR, SOURCES } from '../../features/featureSpec.ts'
import { formatCount } from '../../format.ts'
import { growState } from '../../model/growState.ts'
import { loadModelDescription, loadModelFiles } from '../../model/modelDirectory.ts'
import { modelFeatures } from '../../model/modelFeatures.ts'
import { embeddingsOf, type Network, parameterCount, type StateDict } from '../../model/network.ts'
import { type Normalization, unfoldNormalization } from '../../model/normalization.ts'
import { CODE_BYTES } from '../memory/memoryPlan.ts'
import { REPLAY_DEFAULT } from '../settings/fromOptions.ts'
import type { TrainOptions } from '../types.ts'
import { modelDifference } from './modelDifference.ts'

/** A model to go on from. */
export interface SourceModel {
  directory: string
  name: string // of the folder
  sha256: string // of its weights
  features: FeaturesOf
}

/** The options of a run that goes on from a model, and how its data is opened. */
export type FromOptions = TrainOptions & Pick<OpenOptions, 'fitted' | 'grows' | 'replayed'>

/**
 * Reads the model that a run goes on from, and takes over what it decides: columns, policies, features and
 * the network. null: the run begins anew.
 * @throws NearrankError INPUT if there is none, or if it differs from what is asked for; DAMAGED; USAGE.
 */
export async function sourceModel(
  options: TrainOptions,
): Promise<{ source: SourceModel | null; options: FromOptions }> {
  checkReplay(options)
  if (options.from === undefined) return { source: null, options }
  const description = await loadModelDescription(options.from)
  const difference = modelDifference(options, description)
  if (difference !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot go on from ${options.from}: ${difference}; leave it out, or train anew without from`,
    )
  const { hidden, activations } = description.network
  const features = modelFeatures(description)
  const { replayFiles: files, replay: share = REPLAY_DEFAULT } = options
  return {
    source: {
      directory: options.from,
      name: basename(resolve(options.from)),
      sha256: description.weights.sha256,
      features,
    },
    options: {
      ...dataOfModel(description, options),
      hidden,
      activations,
      fitted: features,
      grows: true,
      ...(files !== undefined && { replayed: { files, share } }),
    },
  }
}

/** @throws NearrankError USAGE for older rows without a model to go on from, or without files of them. */
function checkReplay({ from, replay, replayFiles }: TrainOptions): void {
  const wrong = (key: string, missing: string) =>
    new NearrankError('USAGE', `Cannot use ${key} without ${missing}; give both, or neither`)
  if (replayFiles !== undefined && from === undefined) throw wrong('replayFiles', 'from')
  if (replay !== undefined && replayFiles === undefined) throw wrong('replay', 'replayFiles')
}

/** What a run begins with, in place of initial weights. */
export function startFrom(
  source: SourceModel,
  grown: FeaturesOf,
  normalization: Normalization | null,
): { sha256: string; weights: () => Promise<StateDict> } {
  return { sha256: source.sha256, weights: () => startWeights(source, grown, normalization) }
}

/**
 * Reads the weights to begin with: for the features as they have grown, normalised or not.
 * @throws NearrankError INPUT if the model has been replaced meanwhile, DAMAGED.
 */
async function startWeights(
  { directory, sha256, features }: SourceModel,
  grown: FeaturesOf,
  normalization: Normalization | null,
): Promise<StateDict> {
  const { description, weights } = await loadModelFiles(directory)
  if (description.weights.sha256 !== sha256)
    throw new NearrankError(
      'INPUT',
      `Cannot go on from ${directory}: another model took its place while the data was being packed; run again`,
    )
  const state = growState(weights, features, grown)
  return normalization ? unfoldNormalization(state, normalization) : state
}

/**
 * What a run takes at its start, beside what every run does: the model's weights as they are read and as they
 * have grown, and its vocabularies.
 */
export function sourceBytes(network: Network): number {
  const codes = embeddingsOf(network).reduce((sum, table) => sum + table.codes, 0)
  return 3 * 4 * parameterCount(network) + CODE_BYTES * codes
}

/** What is new in the features, as a sentence. */
export function growthNote({ name, features }: SourceModel, grown: FeaturesOf): string {
  const counts = SOURCES.flatMap((source) =>
    (grown[source] ?? []).flatMap((feature, i) => {
      const before = features[source]?.[i]
      if (!before || !('values' in feature) || !('values' in before)) return []
      const count = feature.values.length - before.values.length
      return count > 0 ? [`${SINGULAR[source]}.${feature.name} ${formatCount(count)}`] : []
    }),
  )
  const values = counts.length === 0 ? 'no feature has new values' : `new values: ${counts.join(', ')}`
  return `Going on from the model ${name}: ${values}.`
}
