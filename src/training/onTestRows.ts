import type { PackedRows } from '../dataset/clicks/readRows.ts'
import { hasSplit } from '../dataset/clicks/openRows.ts'
import { openRowsApart } from '../dataset/openApart.ts'
import type { DatasetOptions, DatasetOptionsReading, OpenOptions } from '../dataset/options.ts'
import { type ModelParts, partsNote } from '../dataset/partsOfModel.ts'
import type { Tables } from '../dataset/tables/readTables.ts'
import { NearrankError } from '../errors.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { CrewLead } from './crew/crewLead.ts'
import type { Baselines } from './judgement/judge.ts'
import { popularityOf } from './judgement/popularity.ts'
import { packMemoryBytes } from './memory/memoryPlan.ts'
import { droppedNote, droppedRows } from './report/droppedRows.ts'
import { prepareScoring, type ScoringOptions, type ScoringPlan, withScoringCrew } from './scoringCrew.ts'
import { resolveRun } from './settings/resolveSettings.ts'

/** What everything takes that scores test clicks by a model. */
export interface TestRowsOptions
  extends DatasetOptionsReading<'test'>,
    Pick<ScoringOptions, 'threads' | 'maxMemoryBytes' | 'model' | 'signal' | 'onProgress'> {}

export interface TestRows {
  lead: CrewLead // with the model's weights and the features of the tables; only scores
  pack: PackedRows // the test clicks
  tables: Tables
  description: ModelDescription
  baselines: Baselines | null // null: not asked for
}

/** What is to be done with them. */
interface TestRowsPlan extends ScoringPlan {
  baselines?: boolean // counts the training clicks, @default false
}

/**
 * Opens a model's test clicks, runs `use` on them and closes them again.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY.
 */
export async function onTestRows<T>(
  options: TestRowsOptions & ModelParts,
  { baselines: wantsBaselines = false, ...plan }: TestRowsPlan,
  use: (rows: TestRows) => Promise<T>,
): Promise<T> {
  const prepared = await prepareScoring(options, plan)
  const { description, tables, open, packTableBytes } = prepared
  const { maxMemoryBytes } = resolveRun(options)
  if (open.testAfter !== undefined && options.testAfter === undefined)
    options.onProgress?.({ type: 'note', message: partsNote(open) })
  const {
    packs: [pack],
  } = await openRowsApart({ ...open, memoryBytes: packMemoryBytes(maxMemoryBytes, packTableBytes) }, tables, [
    'test',
  ])
  try {
    const baselines = wantsBaselines ? { popularity: await popularityIn(open, tables, options) } : null
    const dropped = droppedRows(tables, { test: pack })
    if (dropped) options.onProgress?.({ type: 'note', message: droppedNote(dropped) })
    return await withScoringCrew(prepared, undefined, (lead) =>
      use({ lead, pack, tables, description, baselines }),
    )
  } finally {
    await pack.close()
  }
}

/**
 * The click rates of the restaurants in the training clicks, of which only ids and labels are read; null if
 * there are none, or if they cannot be used, which is noted.
 */
async function popularityIn(
  open: DatasetOptions & OpenOptions,
  tables: Tables,
  { onProgress }: TestRowsOptions,
): Promise<Float32Array | null> {
  const { groupColumn: _, ...plain } = open
  const fitted = { users: tables.users.features, restaurants: tables.restaurants.features }
  if (!(await hasSplit(plain, 'train'))) return null
  try {
    const {
      packs: [pack],
    } = await openRowsApart({ ...plain, fitted }, tables, ['train'])
    try {
      return await popularityOf(pack, tables.restaurants.rows)
    } finally {
      await pack.close()
    }
  } catch (error) {
    if (!(error instanceof NearrankError) || error.code !== 'INPUT') throw error
    const message = `The order by popularity is left out, since the training clicks cannot be counted. ${error.message}`
    onProgress?.({ type: 'note', message })
    return null
  }
}
