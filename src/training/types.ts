import type { DatasetOptions } from '../dataset/options.ts'
import type { EvaluationMetrics } from '../metrics/clickMetrics.ts'
import type { Activation } from '../model/network.ts'

/** Everything that decides the bytes of the result, beside the data: the same settings give the same weights. */
export interface TrainSettings {
  epochs: number
  learningRate: number // of the first step after the warm-up
  schedule: 'constant' | 'linear' | 'cosine' // from learningRate down to 0 at the last step
  warmupSteps: number // linear rise from 0
  batchSize: number // rows
  hidden: number[] // units
  activations: Activation[] // one for each hidden layer
  beta1: number
  beta2: number
  epsilon: number
  weightDecay: number // decoupled (AdamW), weights only; 0: plain Adam
  shuffle: boolean // false: rows in file order, a short batch at the end of each file
  normalize: boolean // features to mean 0, standard deviation 1; folded into the first layer when saved
  seed: number
  validation: number // share of the rows held out, 0 … 0.5
  keep: 'best' | 'last' // best: the epoch with the lowest validation loss
  patience: number // epochs without a better validation loss before stopping; 0: never stop early
}

/** How to run; none of these changes the weights. */
export interface TrainRun {
  threads: number
  maxMemoryBytes: number
  checkpointSeconds: number // 0: no checkpoints
  turbo: 'off' | 'auto' | 'on' // V8's experimental 256-bit operations for the whole process, after a self-check: the same weights, sooner; auto: where they have been tried
  resume: boolean // go on from the checkpoint beside `out`; with none there, start anew
}

export interface TrainOptions extends DatasetOptions, Partial<TrainSettings>, Partial<TrainRun> {
  out: string // model directory, replaced whole when the new model is complete
  preset?: PresetName // default 'default'
  signal?: AbortSignal
  onProgress?: (event: TrainEvent) => void
}

export type PresetName = 'default' | 'reference'

export type TrainEvent =
  | { type: 'pack'; stage: 'users' | 'restaurants' | 'train' | 'test'; rowsDone: number; rowsTotal: number }
  | { type: 'start'; rows: number; epochs: number; steps: number; threads: number; resumedAtStep: number }
  | {
      type: 'step' // about ten times a second
      epoch: number // from 1
      epochs: number
      rowsDone: number // of this epoch
      rowsTotal: number
      loss: number // running mean of this epoch
      rowsPerSecond: number
      rssBytes: number
    }
  | { type: 'epoch'; epoch: EpochReport }
  | { type: 'checkpoint'; step: number; path: string }
  | { type: 'evaluate'; rowsDone: number; rowsTotal: number }
  | { type: 'note'; message: string } // something the user should know: an old checkpoint was set aside, …

export interface EpochReport {
  epoch: number // from 1
  rows: number // trained on
  seconds: number // without validation
  loss: number // mean training loss, each row scored before it was learned from
  rowsPerSecond: number
  accuracy: number // on the validation rows; without any, on the training rows as `loss`
  accuracyOn: 'validation' | 'training'
  validationLoss?: number
  validationAuc?: number
}

/** For one epoch: what was read, and that it was used exactly once. */
export interface LedgerEpoch {
  epoch: number
  rows: number // rows that the kernels trained on
  digest: string // order-free sum over the rows they gathered, hexadecimal; equals the pack's
  files: { file: string; rows: number; used: number; dropped: number; validation: number }[]
}

/** One line of the constraints table. */
export interface Constraint {
  name: string
  limit: string
  measured: string
  met: boolean | null // null: nothing is demanded, or it could not be measured
}

export interface TrainResult {
  preset: PresetName
  settings: TrainSettings
  rows: number // training rows an epoch
  epochs: EpochReport[]
  ledger: LedgerEpoch[]
  keptEpoch: number
  packSeconds: number
  trainSeconds: number // all epochs with their validation
  seconds: number // everything
  peakRssBytes: number
  maxMemoryBytes: number
  threads: number
  simd: 'relaxed' | 'strict'
  turbo: boolean
  steps: number
  parameters: number
  test: EvaluationMetrics | null // null: there is no test set
  constraints: Constraint[]
  out: string
}
