import { Random } from '../../../random.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import type { ClickSums } from '../clicks.ts'
import type { GenerateCounts, ShownOrder } from '../options.ts'
import type { GenerateTask } from '../plan.ts'
import { DAYS } from './calendar.ts'
import { CeilingMeter } from './ceilings.ts'
import { type ClickFile, clickTable } from './clickTable.ts'
import { STREAMS } from './draw.ts'
import { type Kind, SHOWN } from './effects.ts'
import type { Mixture } from './mixtures.ts'
import { requestTable } from './requestTable.ts'
import { restaurantTable } from './restaurants.ts'
import { addTallies } from './tally.ts'
import { userTable } from './users.ts'
import type { World } from './world.ts'

/** What the workers that make realistic data share. */
export interface RealisticMemory {
  kind: 'realistic'
  shown: ShownOrder // of training clicks
  world: World // complete once the tables are made
  mixtures: Record<Kind, Mixture> | null // null: there are no test rows, or the world is not complete
  ceilings: BigInt64Array // shared, [CEILING_TALLIES]
}

/** One file of the realistic data; `finish` must be called once it is written. */
export function realisticTable(
  task: GenerateTask,
  counts: GenerateCounts,
  memory: RealisticMemory,
  random: Random,
): { table: ParquetTable; sums: ClickSums | null; finish?: () => void } {
  const { stage, rows } = task
  const { world, mixtures, ceilings, shown } = memory
  if (stage === 'users') return { table: userTable(world.users, world.centres, random), sums: null }
  if (stage === 'restaurants') {
    const names = new Random(counts.seed, STREAMS.names)
    return { table: restaurantTable(world.restaurants, world.centres, random, names), sums: null }
  }
  if (stage === 'requests') return { table: requestTable(rows, random, world, counts.candidates), sums: null }
  const trainRequests = Math.ceil(counts.rows / SHOWN)
  const firstRequest = task.start / SHOWN
  const file: ClickFile = {
    rows,
    firstRequest,
    firstId: 1 + firstRequest + (stage === 'test' ? trainRequests : 0),
    requests: stage === 'test' ? Math.ceil(counts.testRows / SHOWN) : trainRequests,
    days: DAYS[stage],
    shown: stage === 'test' ? 'random' : shown,
  }
  const meter = stage === 'test' && mixtures ? new CeilingMeter(world, mixtures) : null
  return {
    ...clickTable(file, world, random, meter),
    finish: () => meter && addTallies(ceilings, meter.tallies),
  }
}
