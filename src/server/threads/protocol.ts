import type { IdKind } from '../../ids.ts'
import type { RankerMemory } from '../../live/ranker.ts'
import type { UnknownContext } from '../../ranking/unknownContext.ts'
import type { NotedProblem } from '../problems/lastProblems.ts'
import type { ApiKeyEntry } from '../keys/apiKeys.ts'

/** What a listening thread is started with. */
export interface ThreadConfig {
  thread: number // 1 … threads; 0 is the main thread
  host: string
  allowedHosts: readonly string[]
  corsOrigins: readonly string[]
  reusePort: boolean
  stats: SharedArrayBuffer
  bodyBytes: SharedArrayBuffer // i32 [threads]: what each holds of bodies
  userIds: IdKind
  unknownUser: 'fail' | 'average'
  unknownContext: UnknownContext
  candidatesMax: number
  waitingMax: number
  apiKeys: readonly ApiKeyEntry[] | null
  logsRequests: boolean // each of them
}

/** A request that the main thread answers. */
export interface PassedRequest {
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  body: Uint8Array | null
}

export interface PassedAnswer {
  status: number
  headers: Record<string, string | string[]>
  body: Uint8Array
}

/**
 * A log line about a request for a ranking. The main thread writes it: a logger in each thread takes 3.5 MB.
 */
export type ThreadLog =
  | { what: 'failed'; code: string; err: Error }
  | { what: 'request'; status: number; ms: number }

/** From the main thread. */
export type ToThread =
  | { what: 'listen'; port: number }
  | { what: 'memory'; version: number; memory: RankerMemory }
  | { what: 'answer'; call: number; answer: PassedAnswer }
  | { what: 'drain' } // connections are closed behind their next answer
  | { what: 'close' } // stops listening, answers what has arrived, ends

/** To the main thread. */
export type FromThread =
  | { what: 'listening'; port: number }
  | { what: 'refused'; message: string; errno: string } // cannot listen
  | { what: 'took'; version: number } // the memory of this version is in use, and no earlier one
  | { what: 'call'; call: number; request: PassedRequest }
  | { what: 'log'; log: ThreadLog }
  | { what: 'problems'; problems: NotedProblem[] } // since the last time
  | { what: 'closed' }
