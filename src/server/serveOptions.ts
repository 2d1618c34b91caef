import { availableParallelism } from 'node:os'
import type { FilledStoreOptions } from '../live/openFilledStore.ts'
import type { UnknownContext } from '../ranking/unknownContext.ts'
import type { ApiKeys } from './keys/apiKeys.ts'
import type { LogLevel } from './logger.ts'

export const DEFAULT_STORE = 'sqlite:features.db'
const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 8080
const DEFAULT_CANDIDATES_MAX = 10_000
const DEFAULT_WAITING_MAX = 64
const DEFAULT_DRAIN_SECONDS = 30

export interface ServeOptions extends Omit<FilledStoreOptions, 'store'> {
  model: string // model folder
  store?: string // @default sqlite:features.db
  host?: string // @default 127.0.0.1
  allowedHosts?: readonly string[] // names of the server beside those of this machine, @default none
  corsOrigins?: readonly string[] // of pages that may call it, `*` with keys: all, @default none
  port?: number // 0: a free one, @default 8080
  workers?: number // listening threads, @default one for each core
  apiKeys?: ApiKeys
  console?: boolean // the page at `/`, @default true
  mapTiles?: string // of its map, as https://tiles.example/{z}/{x}/{y}.png, @default its own coast lines
  mapAttribution?: string // whom the tiles are from, @default nothing
  candidatesMax?: number // of a request, @default 10,000
  waitingMax?: number // requests that wait in a thread; more are turned away, @default 64
  unknownUser?: 'fail' | 'average' // @default fail
  unknownContext?: UnknownContext // @default fail
  drainSeconds?: number // for requests that are running when the server stops, @default 30
  logLevel?: LogLevel // @default info
}

type Defaulted =
  | 'store'
  | 'host'
  | 'allowedHosts'
  | 'corsOrigins'
  | 'port'
  | 'workers'
  | 'console'
  | 'candidatesMax'
  | 'waitingMax'
  | 'unknownUser'
  | 'unknownContext'
  | 'drainSeconds'
  | 'logLevel'

export type ServeSettings = Omit<ServeOptions, Defaulted> & Required<Pick<ServeOptions, Defaulted>>

export function withDefaults(options: ServeOptions): ServeSettings {
  const {
    store = DEFAULT_STORE,
    host = DEFAULT_HOST,
    allowedHosts = [],
    corsOrigins = [],
    port = DEFAULT_PORT,
    workers = availableParallelism(),
    console = true,
    candidatesMax = DEFAULT_CANDIDATES_MAX,
    waitingMax = DEFAULT_WAITING_MAX,
    unknownUser = 'fail',
    unknownContext = 'fail',
    drainSeconds = DEFAULT_DRAIN_SECONDS,
    logLevel = 'info',
  } = options
  return {
    ...options,
    store,
    host,
    allowedHosts,
    corsOrigins,
    port,
    workers,
    console,
    candidatesMax,
    waitingMax,
    unknownUser,
    unknownContext,
    drainSeconds,
    logLevel,
  }
}
