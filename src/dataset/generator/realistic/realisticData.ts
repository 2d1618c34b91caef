import { NearrankError } from '../../../errors.ts'
import type { DatasetInfo } from '../../datasetInfo.ts'
import type { GenerateCounts, ShownOrder } from '../options.ts'
import { clickTasks, requestTasks, tableTasks } from '../plan.ts'
import type { GeneratedData, MadeFile } from '../pool.ts'
import { CEILING_TALLIES, type Ceilings, ceilingsOf } from './ceilings.ts'
import { SHOWN } from './effects.ts'
import { mixturesOf } from './mixtures.ts'
import type { RealisticMemory } from './realisticTable.ts'
import { RESTAURANT_COLUMNS } from './restaurants.ts'
import { USER_COLUMNS } from './users.ts'
import { completeWorld, emptyWorld } from './world.ts'

const GENERATOR_VERSION = 2

/**
 * Data as tables really are: ids, categories, lists, dates, times, places and nulls, and clicks that depend
 * on all of them in a known way.
 * @throws NearrankError USAGE: too few restaurants.
 */
export function realisticData(counts: GenerateCounts, shown: ShownOrder): GeneratedData {
  if (counts.restaurants < SHOWN)
    throw new NearrankError(
      'USAGE',
      `Cannot generate realistic data: a request shows ${SHOWN} restaurants, found ${counts.restaurants}; ask for more restaurants`,
    )
  const empty: RealisticMemory = {
    kind: 'realistic',
    shown,
    world: emptyWorld(counts.seed, counts.users, counts.restaurants),
    mixtures: null,
    ceilings: new BigInt64Array(new SharedArrayBuffer(8 * CEILING_TALLIES)),
  }
  const complete = () => {
    const world = completeWorld(empty.world)
    return { ...empty, world, mixtures: counts.testRows > 0 ? mixturesOf(world) : null }
  }
  return {
    rounds: [
      { tasks: tableTasks(counts), memory: () => empty },
      { tasks: [...requestTasks(counts), ...clickTasks(counts, SHOWN)], memory: complete },
    ],
    info: (made) => ({
      ...datasetInfo(counts, made, counts.testRows > 0 ? ceilingsOf(empty.ceilings, counts.testRows) : null),
      shown,
    }),
  }
}

function datasetInfo(counts: GenerateCounts, made: MadeFile[], ceilings: Ceilings | null): DatasetInfo {
  const clicks = (stage: 'train' | 'test') =>
    made.reduce((sum, { task, sums }) => (task.stage === stage ? sum + (sums?.clicks ?? 0) : sum), 0)
  return {
    format: 1,
    generator: 'nearrank',
    generatorVersion: GENERATOR_VERSION,
    kind: 'realistic',
    ...counts,
    userFeatures: USER_COLUMNS,
    restaurantFeatures: RESTAURANT_COLUMNS,
    clickRate: clicks('train') / counts.rows,
    testClickRate: counts.testRows > 0 ? clicks('test') / counts.testRows : null,
    bayesAccuracy: ceilings?.all.accuracy ?? null,
    bayesLogLoss: ceilings?.all.logLoss ?? null,
    ceilings,
  }
}
