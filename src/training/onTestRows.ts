import type { PackedRows } from '../dataset/clicks/readRows.ts'
import { openRowsApart } from '../dataset/openApart.ts'
import type { DatasetOptionsReading } from '../dataset/options.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { CrewLead } from './crew/crewLead.ts'
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
  description: ModelDescription
}

/**
 * Opens a model's test clicks, runs `use` on them and closes them again.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY.
 */
export async function onTestRows<T>(
  options: TestRowsOptions,
  plan: ScoringPlan,
  use: (rows: TestRows) => Promise<T>,
): Promise<T> {
  const prepared = await prepareScoring(options, plan)
  const { description, tables, open, packTableBytes } = prepared
  const { maxMemoryBytes } = resolveRun(options)
  const {
    packs: [pack],
  } = await openRowsApart({ ...open, memoryBytes: packMemoryBytes(maxMemoryBytes, packTableBytes) }, tables, [
    'test',
  ])
  try {
    const dropped = droppedRows(tables, { test: pack })
    if (dropped) options.onProgress?.({ type: 'note', message: droppedNote(dropped) })
    return await withScoringCrew(prepared, undefined, (lead) => use({ lead, pack, description }))
  } finally {
    await pack.close()
  }
}
