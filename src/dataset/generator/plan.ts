import type { GenerateCounts, GenerateStage } from './options.ts'

/** One file to write: made by itself, from a random stream of its own. */
export interface GenerateTask {
  stage: GenerateStage
  path: string // below the folder
  rows: number
  start: number // the row of its stage that it begins with
  stream: number[] // of Random
}

export const USER_FEATURES = 30
export const RESTAURANT_FEATURES = 10
export const SCORE_FEATURES = 10 // the first so many of either side decide a click
export const CLUSTERS = 10

const STREAMS = { users: 1, restaurants: 2, train: 3, test: 4, requests: 5 } as const

/** The feature tables, which decide the clicks. */
export function tableTasks(counts: GenerateCounts): GenerateTask[] {
  return [
    { stage: 'users', path: 'user_features.parquet', rows: counts.users, start: 0, stream: [STREAMS.users] },
    {
      stage: 'restaurants',
      path: 'restaurant_features.parquet',
      rows: counts.restaurants,
      start: 0,
      stream: [STREAMS.restaurants],
    },
  ]
}

export function requestTasks({ requests: rows }: GenerateCounts): GenerateTask[] {
  if (rows === 0) return []
  return [{ stage: 'requests', path: 'requests.parquet', rows, start: 0, stream: [STREAMS.requests] }]
}

/** The clicks, dealt as evenly as can be to their files; `together` rows are never parted. */
export function clickTasks(counts: GenerateCounts, together = 1): GenerateTask[] {
  return [
    ...splitTasks('train', counts.rows, counts.files, together),
    ...splitTasks('test', counts.testRows, counts.testFiles, together),
  ]
}

function splitTasks(stage: 'train' | 'test', rows: number, files: number, together: number): GenerateTask[] {
  if (rows === 0) return []
  const digits = Math.max(2, String(files - 1).length)
  const groups = Math.ceil(rows / together)
  const startOf = (file: number) =>
    Math.min(rows, together * (Math.floor(groups / files) * file + Math.min(file, groups % files)))
  return Array.from({ length: files }, (_, i) => ({
    stage,
    path: `${stage}/${stage}_${String(i).padStart(digits, '0')}.parquet`,
    rows: startOf(i + 1) - startOf(i),
    start: startOf(i),
    stream: [STREAMS[stage], i],
  }))
}
