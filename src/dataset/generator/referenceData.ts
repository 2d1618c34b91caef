import type { DatasetInfo } from '../datasetInfo.ts'
import type { ScoringFeatures } from './clicks.ts'
import type { GenerateCounts, GenerateStage } from './options.ts'
import {
  clickTasks,
  RESTAURANT_FEATURES,
  requestTasks,
  SCORE_FEATURES,
  tableTasks,
  USER_FEATURES,
} from './plan.ts'
import type { GeneratedData, MadeFile } from './pool.ts'
import { featureNames } from './tables.ts'

const GENERATOR_VERSION = 1

/** The reference data: tables of numbers, and clicks that ten of them decide. */
export function referenceData(counts: GenerateCounts): GeneratedData {
  const memory = { kind: 'reference', features: scoringFeatures(counts) } as const
  return {
    // Requests take as long as the tables, and need nothing of them.
    rounds: [
      { tasks: [...tableTasks(counts), ...requestTasks(counts)], memory: () => memory },
      { tasks: clickTasks(counts), memory: () => memory },
    ],
    info: (made) => datasetInfo(counts, made),
  }
}

function scoringFeatures({ users, restaurants }: GenerateCounts): ScoringFeatures {
  return {
    users: sharedFloats(users * SCORE_FEATURES),
    restaurants: sharedFloats(restaurants * SCORE_FEATURES),
  }
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4))
}

function datasetInfo(counts: GenerateCounts, made: MadeFile[]): DatasetInfo {
  const total = (stage: GenerateStage, key: 'clicks' | 'bestAccuracy' | 'bestLogLoss') =>
    made.reduce((sum, { task, sums }) => (task.stage === stage ? sum + (sums?.[key] ?? 0) : sum), 0)
  const ofTest = (key: 'clicks' | 'bestAccuracy' | 'bestLogLoss') =>
    counts.testRows > 0 ? total('test', key) / counts.testRows : null
  return {
    format: 1,
    generator: 'nearrank',
    generatorVersion: GENERATOR_VERSION,
    ...counts,
    userFeatures: featureNames(USER_FEATURES),
    restaurantFeatures: featureNames(RESTAURANT_FEATURES),
    clickRate: total('train', 'clicks') / counts.rows,
    testClickRate: ofTest('clicks'),
    bayesAccuracy: ofTest('bestAccuracy'),
    bayesLogLoss: ofTest('bestLogLoss'),
  }
}
