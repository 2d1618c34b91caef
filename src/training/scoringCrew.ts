import { GROUP_RUNS_BYTES } from '../dataset/clicks/groupRuns.ts'
import { pairTableBytes } from '../dataset/clicks/packPairs.ts'
import { dataOfModel, tablesProblem } from '../dataset/dataOfModel.ts'
import { checkPartOptions } from '../dataset/parts.ts'
import { partsOfModel } from '../dataset/partsOfModel.ts'
import { openTablesApart } from '../dataset/openApart.ts'
import type { DatasetOptions, OpenOptions, OpenProgress } from '../dataset/options.ts'
import type { Tables } from '../dataset/tables/readTables.ts'
import { NearrankError } from '../errors.ts'
import { bestSimd } from '../kernels/kernels.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { StateDict } from '../model/network.ts'
import { CrewLead, type CrewOptions } from './crew/crewLead.ts'
import { type Arena, planArena } from './memory/arena.ts'
import type { ArenaShape } from './memory/arenaShape.ts'
import { withoutAdditive } from './rows/positions.ts'
import { loadFeatures } from './memory/featureMemory.ts'
import { checkMemory, packMemoryBytes } from './memory/memoryPlan.ts'
import { resolveRun } from './settings/resolveSettings.ts'
import type { EVALUATE_RUN } from './settings/evaluateOptions.ts'
import type { TrainEvent, TrainRun } from './types.ts'

/** What everything takes that scores clicks by a model. */
export interface ScoringOptions extends DatasetOptions, Partial<Pick<TrainRun, keyof typeof EVALUATE_RUN>> {
  /** Model directory. */
  model: string
  signal?: AbortSignal
  onProgress?: (event: TrainEvent) => void
}

/** What is to be done with the clicks. */
export interface ScoringPlan {
  action: string // for messages: evaluate
  logits?: (description: ModelDescription) => number // of a row, @default 1
  extraBytes?: (arena: Arena, tables: Tables) => number // beside the plan of the shared memory, @default 0
  hasGroups?: boolean // the clicks come in the groups of the data, if it has any, @default true
}

/** A model and the features of its data, found to fit one another and the memory. */
export interface PreparedScoring {
  description: ModelDescription
  weights: StateDict
  tables: Tables
  open: DatasetOptions & OpenOptions // how to read the clicks
  shape: ArenaShape
  plannedArena: Arena
  packTableBytes: number // of tables that who reads the clicks holds
}

/** Rows per chunk of work; nothing is learned, so it is no batch. */
const SCORE_ROWS = 1024

/** @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY. */
export async function prepareScoring(
  options: ScoringOptions,
  { action, logits, extraBytes, hasGroups = true }: ScoringPlan,
): Promise<PreparedScoring> {
  const { threads, maxMemoryBytes } = resolveRun(options)
  const { description, weights } = await loadModelFiles(options.model)
  const parts = partsOfModel(description, options)
  checkPartOptions({ ...options, ...parts })
  const open = {
    ...dataOfModel(description, options),
    ...parts,
    memoryBytes: packMemoryBytes(maxMemoryBytes),
    onProgress: (progress: OpenProgress) => options.onProgress?.({ type: 'pack', ...progress }),
  }
  const { tables } = await openTablesApart(open)
  const problem = tablesProblem(description, tables)
  if (problem !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot ${action} ${options.model} on the data in ${options.data}: ${problem}; choose other columns`,
    )
  const shape = {
    network: description.network,
    users: tables.users.rows,
    restaurants: tables.restaurants.rows,
    batchSize: SCORE_ROWS,
    threads,
    purpose: 'score' as const,
    groups: hasGroups && open.groupColumn !== undefined,
    ...(logits && { logits: logits(description) }),
  }
  const plannedArena = planArena(shape)
  const packTableBytes =
    pairTableBytes(description.features?.pairs ?? [], tables) + (shape.groups ? GROUP_RUNS_BYTES : 0)
  const extra = extraBytes?.(plannedArena, tables) ?? 0
  checkMemory(plannedArena, maxMemoryBytes, { packTableBytes, extraBytes: extra })
  return { description, weights, tables, open, shape, plannedArena, packTableBytes }
}

/** Runs `use` with threads that have the model's weights and the features of the tables. */
export async function withScoringCrew<T>(
  { description, shape, tables, weights }: PreparedScoring,
  compiled: CrewOptions['compiled'],
  use: (lead: CrewLead) => Promise<T>,
): Promise<T> {
  const lead = new CrewLead({ shape, simd: bestSimd(), ...(compiled && { compiled }) })
  try {
    await loadFeatures(lead, tables, null)
    lead.setWeights(withoutAdditive(description.network, weights))
    return await use(lead)
  } finally {
    await lead.close()
  }
}
