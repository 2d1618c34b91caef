import type { Random } from '../../random.ts'
import type { ParquetTable } from '../parquet/parquetWriter.ts'
import { type ClickSums, type ScoringFeatures, clickTable } from './clicks.ts'
import type { GenerateCounts } from './options.ts'
import type { GenerateTask } from './plan.ts'
import { requestTable } from './requests.ts'
import { featureTable } from './tables.ts'

/** What the workers that make reference data share. */
export interface ReferenceMemory {
  kind: 'reference'
  features: ScoringFeatures // on shared memory
}

/** One file of the reference data. */
export function referenceTable(
  { stage, rows }: GenerateTask,
  counts: GenerateCounts,
  { features }: ReferenceMemory,
  random: Random,
): { table: ParquetTable; sums: ClickSums | null } {
  if (stage === 'train' || stage === 'test') return clickTable(rows, random, features, stage === 'test')
  if (stage === 'requests') {
    const table = requestTable(rows, random, counts.users, counts.restaurants, counts.candidates)
    return { table, sums: null }
  }
  return { table: featureTable(stage, rows, random, features[stage]), sums: null }
}
