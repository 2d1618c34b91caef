import type { DatasetOptions, OpenProgress } from '../dataset/options.ts'
import type { EvaluationMetrics } from '../metrics/clickMetrics.ts'
import type { OptionValues } from '../options/option.ts'
import type { FROM } from './settings/fromOptions.ts'
import type { Judged } from './judgement/judge.ts'
import type { RUN } from './settings/runOptions.ts'
import type { PRESET_NAMES, SETTINGS } from './settings/trainSettings.ts'

/**
 * Everything that decides the bytes of the result, beside the data: the same settings give the same weights.
 */
export interface TrainSettings extends OptionValues<typeof SETTINGS> {}

/** How to run; none of these changes the weights. */
export interface TrainRun extends OptionValues<typeof RUN> {}

export interface TrainOptions
  extends DatasetOptions,
    Partial<TrainSettings>,
    Partial<TrainRun>,
    Partial<OptionValues<typeof FROM>> {
  /** Model directory, replaced whole when the new model is complete. */
  out: string
  /** Where the settings begin; default 'default'. */
  preset?: PresetName
  signal?: AbortSignal
  onProgress?: (event: TrainEvent) => void
}

export type PresetName = (typeof PRESET_NAMES)[number]

export type TrainEvent =
  | ({ type: 'pack' } & OpenProgress)
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
  | { type: 'score'; rowsDone: number; rowsTotal: number } // without the files that were there already
  | { type: 'importance'; rowsDone: number; rowsTotal: number } // a row is done once for every donor
  | { type: 'note'; message: string } // something the user should know: an old checkpoint was set aside, …

export interface EpochReport {
  epoch: number // from 1
  rows: number // trained on
  seconds: number // without validation
  loss: number // mean training loss, each row scored before it was learned from; by weights, if there are any
  rowsPerSecond: number
  accuracy: number // on the validation rows; without any, on the training rows as `loss`
  accuracyOn: 'validation' | 'training'
  validationLoss?: number // by weights, if there are any
  validationAuc?: number
  validationNdcg10?: number // by group
}

/** For one epoch: what was read, and that it was used exactly once. */
export interface LedgerEpoch {
  epoch: number
  rows: number // rows that the kernels trained on
  digest: string // order-free sum over the rows they gathered, hexadecimal; equals the pack's
  files: {
    file: string
    rows: number
    used: number
    dropped: number
    validation: number
    heldOut?: number // by time, for validation and testing
    notReplayed?: number // of older clicks: those that were not drawn
  }[]
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
  native: 'avx512' | 'avx2' | 'neon' | null // which native kernels computed; null: none
  steps: number
  parameters: number
  test: EvaluationMetrics | null // null: there is no test set
  judged: Judged | null // the test set; the order by group, not by user
  constraints: Constraint[]
  out: string
}
