import type { PackedRows } from '../dataset/clicks/readRows.ts'
import { dataOfModel, tablesProblem } from '../dataset/dataOfModel.ts'
import { pairTableBytes } from '../dataset/clicks/packPairs.ts'
import { openRowsApart, openTablesApart } from '../dataset/openApart.ts'
import type { DatasetOptionsReading, OpenProgress } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { bestSimd } from '../kernels/kernels.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import { CrewLead } from './crew/crewLead.ts'
import { type Arena, planArena } from './memory/arena.ts'
import { withoutAdditive } from './rows/positions.ts'
import { loadFeatures } from './memory/featureMemory.ts'
import { checkMemory, packMemoryBytes } from './memory/memoryPlan.ts'
import { droppedNote, droppedRows } from './report/droppedRows.ts'
import type { EVALUATE_RUN } from './settings/evaluateOptions.ts'
import { resolveRun } from './settings/resolveSettings.ts'
import type { TrainEvent, TrainRun } from './types.ts'

/** What everything takes that scores test clicks by a model. */
export interface TestRowsOptions
  extends DatasetOptionsReading<'test'>,
    Partial<Pick<TrainRun, keyof typeof EVALUATE_RUN>> {
  /** Model directory. */
  model: string
  signal?: AbortSignal
  onProgress?: (event: TrainEvent) => void
}

export interface TestRows {
  lead: CrewLead // with the model's weights and the features of the tables; only scores
  pack: PackedRows // the test clicks
  description: ModelDescription
}

/** What is to be done with them. */
interface TestRowsPlan {
  action: string // for messages: evaluate
  logits?: (description: ModelDescription) => number // of a row, @default 1
  extraBytes?: (arena: Arena) => number // beside the plan of the shared memory, @default 0
}

/** Rows per chunk of work; nothing is learned, so it is no batch. */
const SCORE_ROWS = 1024

/**
 * Opens a model's test clicks, runs `use` on them and closes them again.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY.
 */
export async function onTestRows<T>(
  options: TestRowsOptions,
  { action, logits, extraBytes }: TestRowsPlan,
  use: (rows: TestRows) => Promise<T>,
): Promise<T> {
  const { threads, maxMemoryBytes } = resolveRun(options)
  const { description, weights } = await loadModelFiles(options.model)
  const open = {
    ...dataOfModel(description, options),
    threads: 1, // of DuckDB; more do not read faster
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
    groups: open.groupColumn !== undefined,
    ...(logits && { logits: logits(description) }),
  }
  const arena = planArena(shape)
  const packTableBytes = pairTableBytes(description.features?.pairs ?? [], tables)
  checkMemory(arena, maxMemoryBytes, { packTableBytes, extraBytes: extraBytes?.(arena) ?? 0 })
  const {
    packs: [pack],
  } = await openRowsApart({ ...open, memoryBytes: packMemoryBytes(maxMemoryBytes, packTableBytes) }, tables, [
    'test',
  ])
  try {
    const dropped = droppedRows(tables, { test: pack })
    if (dropped) options.onProgress?.({ type: 'note', message: droppedNote(dropped) })
    const lead = new CrewLead({ shape, simd: bestSimd() })
    try {
      await loadFeatures(lead, tables, null)
      lead.setWeights(withoutAdditive(description.network, weights))
      return await use({ lead, pack, description })
    } finally {
      await lead.close()
    }
  } finally {
    await pack.close()
  }
}
