import { declaredOf, type DeclaredEntry } from '../../features/declaration.ts'
import {
  type FeaturesOf,
  isOwnId,
  isPosition,
  namesOf,
  SIDES,
  SINGULAR,
  type Source,
  SOURCES,
} from '../../features/featureSpec.ts'
import type { ModelDescription } from '../../model/modelFile.ts'
import { policiesOfModel } from '../../dataset/policies.ts'
import { modelFeatures } from '../../model/modelFeatures.ts'
import type { TrainOptions } from '../types.ts'

/** They decide which values are learned, not what a feature is. */
const GROWTH = new Set(['minCount', 'maxSize'])

/**
 * How what is asked for differs from a model that is to be gone on from, as a part of a sentence; undefined:
 * not at all. What is not given is the model's.
 */
export function modelDifference(options: TrainOptions, description: ModelDescription): string | undefined {
  const features = modelFeatures(description)
  const { hidden, activations } = description.network
  return (
    differs('hidden', options.hidden, hidden) ??
    differs('activations', options.activations, activations) ??
    differs('userFeatures', options.userFeatures, namesOf(features.users)) ??
    differs('restaurantFeatures', options.restaurantFeatures, namesOf(features.restaurants)) ??
    contextDifference(options, features) ??
    positionDifference(options, features) ??
    idsDifference(options, features) ??
    thresholdDifference(options, description) ??
    declaredDifference(options, features)
  )
}

function differs(
  key: string,
  given: readonly unknown[] | undefined,
  own: readonly unknown[],
): string | undefined {
  if (given === undefined || given.join('\n') === own.join('\n')) return undefined
  return `its ${key} are ${listed(own)}, found ${listed(given)}`
}

function listed(values: readonly unknown[]): string {
  return values.length > 0 ? values.join(',') : 'none'
}

function contextDifference(options: TrainOptions, { context = [] }: FeaturesOf): string | undefined {
  if (options.contextFeatures === undefined) return undefined
  const declared = [...declaredOf(options.features, 'context')].flatMap(([name, entry]) =>
    entry ? [name] : [],
  )
  const given = new Set([...options.contextFeatures, ...declared])
  const own = namesOf(context.filter((feature) => !isPosition(feature)))
  if (own.length === given.size && own.every((name) => given.has(name))) return undefined
  return differs('contextFeatures', [...given], own)
}

function positionDifference(
  { positionColumn }: TrainOptions,
  { context = [] }: FeaturesOf,
): string | undefined {
  const own = context.find(isPosition)?.name
  if (positionColumn === undefined || positionColumn === own) return undefined
  return `its positionColumn is ${own ?? 'not set'}, found ${positionColumn}`
}

function idsDifference(
  { ids, features: declaration }: TrainOptions,
  features: FeaturesOf,
): string | undefined {
  if (ids === undefined) return undefined
  for (const side of SIDES) {
    const isLearned = features[side].some(isOwnId)
    const isWanted = ids === side || ids === 'both'
    const isOnly = features[side].length === 1 // a side with nothing else has its ids anyway
    const isDeclared = features[side].some(
      (one) => isOwnId(one) && declaredOf(declaration, side).get(one.name),
    )
    if (isWanted !== isLearned && !(isLearned && (isOnly || isDeclared)))
      return `ids of ${side} are ${isLearned ? '' : 'not '}among its features, found ids ${ids}`
  }
  return undefined
}

function thresholdDifference(
  { clickThreshold }: TrainOptions,
  description: ModelDescription,
): string | undefined {
  const own = policiesOfModel(description).clickThreshold
  if (clickThreshold === undefined || clickThreshold === own) return undefined
  return `its clickThreshold is ${own ?? 'not set'}, found ${clickThreshold}`
}

function declaredDifference(
  { features: declaration }: TrainOptions,
  features: FeaturesOf,
): string | undefined {
  for (const source of SOURCES)
    for (const [name, entry] of declaredOf(declaration, source)) {
      const problem = entryDifference(features, source, name, entry)
      if (problem !== undefined) return problem
    }
  return undefined
}

function entryDifference(
  features: FeaturesOf,
  source: Source,
  name: string,
  entry: DeclaredEntry,
): string | undefined {
  const label = `${SINGULAR[source]}.${name}`
  const own = (features[source] ?? []).find((one) => one.name === name) as
    | (Record<string, unknown> & { kind: string })
    | undefined
  if (entry === false) return own && `it has the feature ${label}, found false for it`
  if (!own) return `it has no feature ${label}, found one that is declared`
  for (const [key, value] of Object.entries(fittedOptions(entry))) {
    const found = key === 'missing' ? (own.missing as { value: number } | undefined)?.value : own[key]
    // What is missing is only replaced by a value if training saw any that are.
    if (key === 'missing' && (found === undefined || found === Math.fround(value as number))) continue
    if (key === 'buckets' && 'sizes' in own && (found as number) <= (value as number)) continue
    if (JSON.stringify(found) !== JSON.stringify(value))
      return `its feature ${label} has ${key} ${JSON.stringify(found ?? null)}, found ${JSON.stringify(value)}`
  }
  return undefined
}

/** The options of a declared feature under the names that a fitted one has for them. */
function fittedOptions(entry: Exclude<DeclaredEntry, false>): Record<string, unknown> {
  const { latitude, longitude, ...own } = entry
  const options = Object.entries(own).filter(([key]) => !GROWTH.has(key))
  const columns = latitude === undefined ? {} : { columns: [latitude, longitude] }
  return { ...Object.fromEntries(options), ...columns }
}
