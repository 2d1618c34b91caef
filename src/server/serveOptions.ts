import type { DatasetOptions } from '../dataset/options.ts'
import type { IdType } from '../store/featureStore.ts'
import type { ApiKeys } from './apiKeys.ts'
import type { FillProgress } from './fillStore.ts'
import type { LogLevel } from './logger.ts'

export const DEFAULT_STORE = 'sqlite:features.db'
export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_PORT = 8080
export const DEFAULT_CANDIDATES_MAX = 10_000
export const DEFAULT_WAITING_MAX = 64
export const DEFAULT_DRAIN_SECONDS = 30

export interface ServeOptions {
  model: string // model directory
  store?: string // @default sqlite:features.db
  /** Fills the store where it has no restaurants or a fill was interrupted; columns as the model was trained. */
  fill?: DatasetOptions
  host?: string // @default 127.0.0.1
  port?: number // 0: a free one, @default 8080
  workers?: number // threads that listen, @default one for each core
  apiKeys?: ApiKeys
  candidatesMax?: number // of a request, @default 10,000
  waitingMax?: number // requests that wait in a thread; more are turned away, @default 64
  unknownUser?: 'fail' | 'average' // @default fail
  ids?: { users?: IdType; restaurants?: IdType } // of a new store that is not filled from data, @default integer
  drainSeconds?: number // for requests that are running when the server stops, @default 30
  logLevel?: LogLevel // @default info
  signal?: AbortSignal // stops the start
  onProgress?: (progress: FillProgress) => void
}
