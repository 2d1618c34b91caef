import type { ArenaShape } from '../memory/arena.ts'
import type { TrainSettings } from '../types.ts'

/** What a worker thread is started with. */
export interface CrewStart {
  thread: number
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  shape: ArenaShape
  settings: TrainSettings | null // null: only scores
  steps: number // of the whole run, for the schedule
}

/** What it is told to do; rows come through the ring. */
export type CrewJob =
  | { type: 'train' } // until the stream ends, a step a batch
  | { type: 'score' } // until the stream ends, logits into each chunk
  | { type: 'fold' } // the parameters have been written from outside

/** What it answers, once a job. */
export type CrewAnswer = { type: 'done' } | { type: 'failed'; message: string; stack: string | undefined }
