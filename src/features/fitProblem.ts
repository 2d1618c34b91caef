import type { IdKind } from '../ids.ts'
import { type FeatureSpec, namesOf, type Side, SIDES } from './featureSpec.ts'

const LIST_CHARS_MAX = 300 // of each list of names, in a message

/** What is wanted of one side, or known of it; what is absent does not matter, or is not known. */
export interface SideShape {
  features: number // how many
  names?: readonly string[] | undefined // of the features, in their order
  ids?: IdKind | readonly IdKind[] | undefined // several: all the kinds that these ids are of
}

/** What features are like, all of them known. */
export function shapeOf(features: readonly FeatureSpec[]): { features: number; names: string[] } {
  return { features: features.length, names: namesOf(features) }
}

/**
 * Why a model, store, data or request that holds `found` does not do where `wanted` is wanted, as a part of a
 * sentence about it: `it must have 3 features of users (a, b, c), found 2 (a, b)`. undefined: it does.
 */
export function fitProblem({
  wanted,
  found,
}: Record<'wanted' | 'found', Record<Side, SideShape>>): string | undefined {
  for (const side of SIDES) {
    const problem = sideProblem(side, wanted[side], found[side])
    if (problem !== undefined) return problem
  }
  return undefined
}

function sideProblem(side: Side, wanted: SideShape, found: SideShape): string | undefined {
  const first = firstDifference(wanted.names, found.names)
  if (wanted.features !== found.features)
    return `it must have ${counted(wanted, ` features of ${side}`, first)}, found ${counted(found, '', first)}`
  const [wantedKinds, foundKinds] = [kindsOf(wanted), kindsOf(found)]
  if (wantedKinds && foundKinds && !foundKinds.some((kind) => wantedKinds.includes(kind)))
    return `its ids of ${side} must be of the kind ${wantedKinds.join(' or ')}, found ${foundKinds.join(' or ')}`
  if (first === -1) return undefined
  return `its features of ${side} must be ${listed(wanted.names, first)}, found ${listed(found.names, first)}`
}

/** −1: they are the same, or not both are known. */
function firstDifference(wanted: SideShape['names'], found: SideShape['names']): number {
  if (!wanted || !found) return -1
  const [longer, other] = wanted.length < found.length ? [found, wanted] : [wanted, found]
  return longer.findIndex((name, i) => name !== other[i])
}

function counted({ features, names }: SideShape, what: string, first: number): string {
  return `${features}${what}${names ? ` (${listed(names, first)})` : ''}`
}

/** All names, or of a long list those from the first difference on. */
function listed(names: readonly string[] = [], first: number): string {
  const all = names.join(', ')
  if (all.length <= LIST_CHARS_MAX) return all
  const rest = names.slice(Math.max(first, 0)).join(', ')
  const shown = rest.length > LIST_CHARS_MAX ? `${rest.slice(0, LIST_CHARS_MAX)}…` : rest
  return first > 0 ? `from feature ${first + 1} on: ${shown}` : shown
}

function kindsOf({ ids }: SideShape): readonly IdKind[] | undefined {
  return typeof ids === 'string' ? [ids] : ids
}
