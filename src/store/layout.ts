import {
  arePlainNumbers,
  type FeatureSpec,
  namesOf,
  type Side,
  SIDES,
  SINGULAR,
  storedFeatures,
} from '../features/featureSpec.ts'
import { fitProblem, type SideShape } from '../features/fitProblem.ts'
import { listed } from '../features/rawRow.ts'
import type { OpenStoreOptions, SideLayout, StoreLayout, WantedSide } from './featureStore.ts'

/** What an existing store holds from now on, and what of it is to be written down. */
export interface AgreedLayout {
  layout: StoreLayout
  unnamed: Side[] // sides whose names the store does not have yet
}

/**
 * How a side is to be stored for features, and for columns that are kept beside them: as vectors if all are
 * plain numbers and nothing is kept, else as values by name.
 */
export function sideFor(features: readonly FeatureSpec[], kept: readonly string[] = []): WantedSide {
  const names = [...kept, ...namesOf(storedFeatures(features))]
  const areVectors = arePlainNumbers(features) && kept.length === 0
  return { features: names.length, names, ...(!areVectors && { form: 'values' }) }
}

/** What a new store will hold. */
export async function newLayout({ layout, idsOfNew }: OpenStoreOptions): Promise<StoreLayout> {
  const { users, restaurants } = layout
  const ids = await idsOfNew?.()
  return {
    users: { ids: ids?.users ?? 'integer', ...users },
    restaurants: { ids: ids?.restaurants ?? 'integer', ...restaurants },
  }
}

/** What a store that holds `found` is opened as; a text: why it does not do, as `fitProblem` says it. */
export function agreeOnLayout(found: StoreLayout, wanted: OpenStoreOptions['layout']): AgreedLayout | string {
  const problem = layoutProblem(found, wanted)
  if (problem !== undefined) return problem
  const side = (name: Side): SideLayout => {
    const names = found[name].names ?? wanted[name].names
    return { ...found[name], ...(names && { names }) }
  }
  return {
    layout: { users: side('users'), restaurants: side('restaurants') },
    unnamed: SIDES.filter((name) => !found[name].names && wanted[name].names),
  }
}

/**
 * Why a store that holds `found` does not do where `wanted` is wanted, as a part of a sentence about the
 * store; undefined: it does.
 */
function layoutProblem(found: StoreLayout, wanted: OpenStoreOptions['layout']): string | undefined {
  const problem = valuesProblem(found, wanted)
  if (problem !== undefined) return `it ${problem}`
  return fitProblem({ wanted: vectorsOf(wanted, found), found: vectorsOf(found, found) })
}

/**
 * What a store that holds `found` must do and does not, as the rest of a sentence about it, where values are
 * wanted or stored; undefined: nothing. It may have more of them than are wanted.
 */
export function valuesProblem(found: StoreLayout, wanted: OpenStoreOptions['layout']): string | undefined {
  for (const side of SIDES) {
    const { form, names = [] } = wanted[side]
    if (found[side].form !== 'values') {
      if (form !== 'values') continue
      return `must hold the values of ${side} by name (${listed(names)}), found vectors of ${found[side].features} numbers`
    }
    const known = new Set(found[side].names)
    const unknown = names.filter((name) => !known.has(name))
    if (unknown.length > 0)
      return `must have the ${SINGULAR[side]} ${unknown.length === 1 ? 'feature' : 'features'} ${listed(unknown)}, found ${listed(known)}`
  }
  return undefined
}

/** For `fitProblem`: all that is known of sides that `store` holds as vectors, the ids alone of others. */
export function vectorsOf(sides: Record<Side, WantedSide>, store: StoreLayout): Record<Side, SideShape> {
  const shape = (side: Side) =>
    store[side].form === 'values' ? { features: 0, ids: sides[side].ids } : sides[side]
  return { users: shape('users'), restaurants: shape('restaurants') }
}

/** The names that a store keeps as JSON; undefined: it is no list of `length` texts. */
export function parseNames(json: string, length: number): string[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || value.length !== length) return undefined
  const names: unknown[] = value
  return names.every((name) => typeof name === 'string') ? names : undefined
}
