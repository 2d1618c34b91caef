import type { FilledStoreOptions } from '../live/openFilledStore.ts'
import type { ApiKeys } from './keys/apiKeys.ts'
import type { LogLevel } from './logger.ts'

export const DEFAULT_STORE = 'sqlite:features.db'
export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_PORT = 8080
export const DEFAULT_CANDIDATES_MAX = 10_000
export const DEFAULT_WAITING_MAX = 64
export const DEFAULT_DRAIN_SECONDS = 30

export interface ServeOptions extends Omit<FilledStoreOptions, 'store'> {
  model: string // model directory
  store?: string // @default sqlite:features.db
  host?: string // @default 127.0.0.1
  port?: number // 0: a free one, @default 8080
  workers?: number // threads that listen, @default one for each core
  apiKeys?: ApiKeys
  candidatesMax?: number // of a request, @default 10,000
  waitingMax?: number // requests that wait in a thread; more are turned away, @default 64
  unknownUser?: 'fail' | 'average' // @default fail
  drainSeconds?: number // for requests that are running when the server stops, @default 30
  logLevel?: LogLevel // @default info
}
