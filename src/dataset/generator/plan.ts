import type { GenerateCounts, GenerateStage } from './options.ts'

/** One file to write: made by itself, from a random stream of its own. */
export interface GenerateTask {
  stage: GenerateStage
  path: string // below the folder
  rows: number
  stream: number[] // of Random
}

export const USER_FEATURES = 30
export const RESTAURANT_FEATURES = 10
export const SCORE_FEATURES = 10 // the first so many of either side decide a click
export const CLUSTERS = 10

const STREAMS = { users: 1, restaurants: 2, train: 3, test: 4, requests: 5 } as const

/**
 * The files that come first: the feature tables, which decide the clicks, and the requests, which take as
 * long.
 */
export function firstTasks(counts: GenerateCounts): GenerateTask[] {
  const tasks: GenerateTask[] = [
    { stage: 'users', path: 'user_features.parquet', rows: counts.users, stream: [STREAMS.users] },
    {
      stage: 'restaurants',
      path: 'restaurant_features.parquet',
      rows: counts.restaurants,
      stream: [STREAMS.restaurants],
    },
  ]
  const { requests } = counts
  if (requests > 0)
    tasks.push({ stage: 'requests', path: 'requests.parquet', rows: requests, stream: [STREAMS.requests] })
  return tasks
}

/** The clicks, dealt as evenly as can be to their files. */
export function clickTasks(counts: GenerateCounts): GenerateTask[] {
  return [
    ...splitTasks('train', counts.rows, counts.files),
    ...splitTasks('test', counts.testRows, counts.testFiles),
  ]
}

function splitTasks(stage: 'train' | 'test', rows: number, files: number): GenerateTask[] {
  if (rows === 0) return []
  const digits = Math.max(2, String(files - 1).length)
  return Array.from({ length: files }, (_, i) => ({
    stage,
    path: `${stage}/${stage}_${String(i).padStart(digits, '0')}.parquet`,
    rows: Math.floor(rows / files) + (i < rows % files ? 1 : 0),
    stream: [STREAMS[stage], i],
  }))
}
