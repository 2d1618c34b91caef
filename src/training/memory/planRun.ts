import type { Tables } from '../../dataset/tables/readTables.ts'
import type { FeaturesOf } from '../../features/featureSpec.ts'
import { checkNetwork, inputsOf, type Network } from '../../model/network.ts'
import { sourceBytes, type SourceModel } from '../from/sourceModel.ts'
import type { TrainRun, TrainSettings } from '../types.ts'
import { planArena } from './arena.ts'
import type { ArenaShape } from './arenaShape.ts'
import { checkMemory } from './memoryPlan.ts'

/** What of a run decides the memory that it takes, beside features and settings. */
export interface RunPlan {
  tables: Tables
  run: TrainRun
  source: SourceModel | null
  packTableBytes: number
  hasGroups: boolean
  isWeighted: boolean
}

/** What a run with such features needs. @throws NearrankError USAGE, MEMORY if it cannot be run. */
export function planRun(
  features: FeaturesOf,
  { hidden, activations, batchSize }: TrainSettings,
  { tables, run, source, packTableBytes, hasGroups, isWeighted }: RunPlan,
): ArenaShape {
  const network: Network = { ...inputsOf(features), hidden, activations }
  checkNetwork(network)
  const shape: ArenaShape = {
    network,
    users: tables.users.rows,
    restaurants: tables.restaurants.rows,
    batchSize,
    threads: run.threads,
    purpose: 'train',
    groups: hasGroups,
    weights: isWeighted,
  }
  const extraBytes = source ? sourceBytes(network) : 0
  checkMemory(planArena(shape), run.maxMemoryBytes, { packTableBytes, extraBytes })
  return shape
}
