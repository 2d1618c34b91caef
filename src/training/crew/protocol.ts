import type { ArenaShape } from '../memory/arenaShape.ts'
import type { WeightMeans } from '../settings/weightMeans.ts'
import type { TrainSettings } from '../types.ts'
import type { CompiledKernels } from '../../kernels/compiledKernels.ts'

/** Words of the control block, Int32 in shared memory: how threads agree without messages. */
export const CONTROL = {
  generation: 0, // of the barrier
  arrived: 1, // threads at the barrier
  failed: 2, // not 0: a thread threw; all leave
  chunksReady: 3, // filled by the reader, of this job
  chunksDone: 4, // used up by the workers
  request: 5, // from the main thread, see REQUEST
  leave: 6, // 1: all workers leave the job after this step
  snapshot: 7, // counts the snapshots taken
  snapshotStep: 8, // steps done when the last one was taken
  notFinite: 9, // 0, or what is not finite, see describeNotFinite
  step: 10, // steps done in the whole run
  chunkRows: 16, // and the following words: rows in each slot of the ring; −1: the stream has ended
} as const

/** How many there are, those of the ring's slots included. */
export const CONTROL_WORDS = 64

export const REQUEST = { none: 0, snapshot: 1, stop: 2 } as const

/** Float64 sums over the rows of the epoch so far; `rows` is also how far it got. */
export const SUMS = { loss: 0, correct: 1, rows: 2, digest: 3, batchLoss: 4, snapshot: 8 } as const
/** How many there are: from `snapshot` on come the first four again, as of the last snapshot. */
export const SUM_COUNT = 16

/** Words between two threads' task counters: each has a cache line of its own. */
export const TASK_WORDS = 32

/** How far a run is: the steps done, and of the epoch in progress its rows and their sums. */
export interface Position {
  step: number
  rowsDone: number
  lossSum: number
  correct: number
  digest: number
}

/** Parameters and moments, [layout.size] each: views, not copies. */
export interface TrainedArrays {
  parameters: Float32Array
  momentsM: Float32Array
  momentsV: Float32Array
}

/** What a worker thread is started with. */
export interface CrewStart {
  thread: number
  compiled: CompiledKernels
  memory: WebAssembly.Memory
  shape: ArenaShape
  settings: TrainSettings | null // null: only scores
  weights: WeightMeans | null // null: each row counts once
  steps: number // of the whole run, for the schedule
}

/** What it is to do; rows come through the ring. */
export type CrewJob =
  | { type: 'train' } // until the stream ends, a step a batch
  | { type: 'score' } // until the stream ends, logits into each chunk
  // chunks come in pairs: rows, and donors of the inputs in which each further logit of a row differs
  | { type: 'scoreMixed'; inputs: number[][] }
  | { type: 'fold' } // the parameters have been written from outside

/** What it answers, once a job. */
export type CrewAnswer = { type: 'done' } | { type: 'failed'; message: string; stack: string | undefined }
