import { createHash } from 'node:crypto'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { Simd } from '../../kernels/kernels.ts'
import { initialState } from '../../model/initialize.ts'
import type { Network, StateDict } from '../../model/network.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import type { LedgerEpoch, TrainEvent, TrainRun, TrainSettings } from '../types.ts'
import type { CheckpointState } from './checkpoint.ts'
import { replacesCheckpoints, resumePoint } from './resumePoint.ts'

/** What a training run is given: everything is open, packed and planned. */
export interface TrainingRunOptions {
  lead: CrewLead
  pack: PackedRows
  validation: PackedRows | null // rows to validate on; null: those that `settings` holds out, if any
  validationFiles: LedgerEpoch['files'] // of `validation`, if it has files of its own
  settings: TrainSettings
  run: TrainRun
  simd: Simd
  network: Network
  from: { sha256: string; weights: () => Promise<StateDict> } | null // the model to go on from; null: none
  out: string
  rowsPerEpoch: number
  stepsPerEpoch: number
  epochs: number // of the settings, or fewer; of a fraction, the last epoch ends early, after whole batches
  packSeconds: number
  packPeakRssBytes: number
  signal: AbortSignal | undefined
  onProgress: (event: TrainEvent) => void
}

/** Where a run begins. */
export interface RunStart {
  state: CheckpointState
  resumed: { isNewest: boolean } | undefined // undefined: it begins anew
  best: Float32Array // parameters of the best epoch so far, [layout.size]
}

/**
 * Begins with initial weights or those of an earlier model, or, if resuming is asked for, with a checkpoint
 * at `path` if there is one. The weights and moments are then in the crew's memory.
 * @throws NearrankError INPUT if something else is at `path`, or another run's checkpoint; DAMAGED.
 */
export async function startOfRun(options: TrainingRunOptions, path: string): Promise<RunStart> {
  const { lead, network, settings, run, onProgress } = options
  const best = new Float32Array(lead.arena.layout.size)
  const note = (message: string) => onProgress({ type: 'note', message })
  const resuming = { run: fingerprint(options), arrays: { ...lead.trained(), best } }
  const resumed = run.resume ? await resumePoint(path, resuming) : undefined
  if (resumed) {
    if (resumed.note !== undefined) note(resumed.note)
    return { state: resumed.state, resumed, best }
  }
  if (run.resume) note(`Starting from the beginning: there is no checkpoint ${path} to resume from`)
  else if (await replacesCheckpoints(path))
    note(`Starting from the beginning: the checkpoint ${path} is only used with --resume`)
  lead.setWeights((await options.from?.weights()) ?? initialState(network, settings.seed))
  return { state: firstState(options), resumed: undefined, best }
}

/** Before the first step. */
function firstState(options: TrainingRunOptions): CheckpointState {
  return {
    run: fingerprint(options),
    step: 0,
    epoch: 1,
    rowsDone: 0,
    lossSum: 0,
    correct: 0,
    digest: 0,
    epochSeconds: 0,
    trainSeconds: 0,
    packSeconds: options.packSeconds,
    peakRssBytes: 0,
    bestLoss: null,
    bestEpoch: 0,
    worseEpochs: 0,
    epochs: [],
    ledger: [],
  }
}

/**
 * To be raised whenever a step computes something else: a run that goes on from a checkpoint of before would
 * not end in the same bytes.
 */
const ARITHMETIC = 1

/** What makes two runs the same run. */
function fingerprint({ settings, simd, network, pack, validation, from }: TrainingRunOptions): string {
  const data = [
    pack.fingerprint,
    ...(from ? [from.sha256] : []),
    ...(validation ? [validation.fingerprint] : []),
  ]
  return createHash('sha256')
    .update(JSON.stringify([ARITHMETIC, settings, simd, network, ...data]))
    .digest('hex')
}
