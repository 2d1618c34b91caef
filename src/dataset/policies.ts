import type { ModelDescription } from '../model/modelFile.ts'
import { givenOf, type OptionValues } from '../options/option.ts'
import { POLICIES } from './options.ts'
import { rememberedBy } from './remembered.ts'

type Policies = Partial<OptionValues<typeof POLICIES>>

/** What to do about the rows of a feature table. */
export type TablePolicies = Required<Pick<Policies, 'onMissing' | 'onDuplicate' | 'onBadPlace'>>

/** The policies that a model remembers: they decide what its features and labels mean. */
export type ModelPolicies = Pick<Policies, 'onDuplicate' | 'onBadPlace' | 'clickThreshold'>

const { onDuplicate, onBadPlace, clickThreshold } = POLICIES
const REMEMBERED = { onDuplicate, onBadPlace, clickThreshold }

export function tablePolicies(options: Policies): TablePolicies {
  return {
    onMissing: options.onMissing ?? 'fail',
    onDuplicate: options.onDuplicate ?? 'fail',
    onBadPlace: options.onBadPlace ?? 'fail',
  }
}

/**
 * What the names of packed tables depend on: nothing without policies, as before there were any. `onMissing`
 * is not part of it, since a table without null ids is the same with either value; see `isPackFor`.
 */
export function tableSettings(options: Policies): Pick<TablePolicies, 'onDuplicate' | 'onBadPlace'>[] {
  const { onDuplicate: duplicate, onBadPlace: place } = tablePolicies(options)
  if (duplicate === 'fail' && place === 'fail') return []
  return [{ onDuplicate: duplicate, onBadPlace: place }]
}

/** What the names of packed clicks depend on, beside `onMissing` and the tables. */
export function clickSettings({ clickThreshold: threshold }: Policies): { clickThreshold: number }[] {
  return threshold === undefined ? [] : [{ clickThreshold: threshold }]
}

/** Those of the policies that a model remembers and that are not the defaults; undefined: there are none. */
export function rememberedPolicies(options: Policies): ModelPolicies | undefined {
  const given = Object.entries(givenOf(REMEMBERED, options)).filter(([, value]) => value !== 'fail')
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

/** The policies that a model was trained with. @throws NearrankError DAMAGED if they are none. */
export function policiesOfModel({ training }: Pick<ModelDescription, 'training'>): ModelPolicies {
  return rememberedBy(training, 'policies', REMEMBERED)
}
