import { NearrankError } from '../../errors.ts'

/**
 * What to generate; the defaults are the reference's. Everything here but `out`, `threads`, `signal` and
 * `onProgress` decides bytes.
 */
export interface GenerateOptions {
  out: string // folder: absent, empty, or an earlier generated dataset, which is replaced
  rows?: number // training clicks, default 50,000,000
  testRows?: number // default 5,000,000
  users?: number // default 1,000,000
  restaurants?: number // default 100,000
  requests?: number // default 10,000
  candidates?: number // restaurants of one request, default 1,000, or all where there are fewer
  files?: number // of training clicks, default 80
  testFiles?: number // default 8
  seed?: number // default 1
  threads?: number // default: all cores
  signal?: AbortSignal
  onProgress?: (progress: GenerateProgress) => void
}

export interface GenerateProgress {
  stage: GenerateStage
  rowsDone: number
  rowsTotal: number
}

export type GenerateStage = 'users' | 'restaurants' | 'train' | 'test' | 'requests'

export interface GenerateCounts {
  rows: number
  testRows: number
  users: number
  restaurants: number
  requests: number
  candidates: number
  files: number
  testFiles: number
  seed: number
}

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
 * Bounds: features that score are held in memory (40 bytes for each user and restaurant), and files have
 * numbers.
 */
const LIMITS: Record<keyof GenerateCounts, [defaultValue: number, lowest: number, highest: number]> = {
  rows: [50_000_000, 1, 1e11],
  testRows: [5_000_000, 0, 1e11],
  users: [1_000_000, 1, 40_000_000],
  restaurants: [100_000, 1, 40_000_000],
  requests: [10_000, 0, 1e9],
  candidates: [1000, 1, 100_000],
  files: [80, 1, 10_000],
  testFiles: [8, 1, 10_000],
  seed: [1, 0, Number.MAX_SAFE_INTEGER],
}

/** The counts with their defaults. @throws NearrankError USAGE for one that is out of bounds. */
export function generateCounts(options: GenerateOptions): GenerateCounts {
  const counts = {} as GenerateCounts
  for (const key of Object.keys(LIMITS) as (keyof GenerateCounts)[]) {
    const [defaultValue, lowest, highest] = LIMITS[key]
    const value = options[key] ?? defaultValue
    if (!Number.isInteger(value) || value < lowest || value > highest)
      throw new NearrankError(
        'USAGE',
        `Cannot generate: ${key} must be a whole number from ${lowest} to ${highest}, found ${value}`,
      )
    counts[key] = value
  }
  if (options.candidates === undefined) counts.candidates = Math.min(counts.candidates, counts.restaurants)
  if (counts.requests > 0 && counts.candidates > counts.restaurants)
    throw new NearrankError(
      'USAGE',
      `Cannot generate: ${counts.candidates} distinct candidates are wanted of ${counts.restaurants} restaurants; ask for fewer candidates`,
    )
  return counts
}

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
