import { createHash } from 'node:crypto'
import type { PackedRows } from '../../dataset/clicks/packedRows.ts'
import { NearrankError } from '../../errors.ts'
import type { Simd } from '../../kernels/kernels.ts'
import { initialState } from '../../model/initialize.ts'
import type { Network } from '../../model/network.ts'
import { stateToParameters } from '../../model/parameters.ts'
import { type CheckpointArrays, type CheckpointState, readCheckpoint } from './checkpoint.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import type { TrainEvent, TrainRun, TrainSettings } from '../types.ts'

/** What a training run is given: everything is open, packed and planned. */
export interface TrainingRunOptions {
  lead: CrewLead
  pack: PackedRows
  settings: TrainSettings
  run: TrainRun
  simd: Simd
  network: Network
  out: string
  rowsPerEpoch: number
  stepsPerEpoch: number
  packSeconds: number
  signal: AbortSignal | undefined
  onProgress: (event: TrainEvent) => void
}

/**
 * Where a run begins: with initial weights, or with the checkpoint at `path` where there is one and resuming is asked for. Fills
 * `arrays`. @throws NearrankError INPUT where something else stands at `path`, or another run's checkpoint; DAMAGED.
 */
export async function startOfRun(
  options: TrainingRunOptions,
  path: string,
  arrays: CheckpointArrays,
): Promise<{ state: CheckpointState; isResumed: boolean }> {
  const { lead, network, settings, run, onProgress } = options
  const found = await readCheckpoint(path, { mayBeDamaged: !run.resume })
  if (!run.resume || found === undefined) {
    if (found !== undefined)
      onProgress({
        type: 'note',
        message: `Starting anew: the checkpoint ${path} is not used without --resume`,
      })
    stateToParameters(lead.arena.layout, initialState(network, settings.seed), arrays.parameters)
    return { state: firstState(options), isResumed: false }
  }
  if (found.state.run !== fingerprint(options))
    throw new NearrankError(
      'INPUT',
      `Cannot resume from ${path}: it belongs to a run with other settings, other data or another kernel build. ` +
        'Repeat that run, or train without --resume to start anew.',
    )
  for (const [name, array] of Object.entries(arrays))
    (array as Float32Array).set(found.arrays[name as keyof CheckpointArrays])
  return { state: found.state, isResumed: true }
}

/** Before the first step. */
export function firstState(options: TrainingRunOptions): CheckpointState {
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

/** What makes two runs the same run. */
function fingerprint({ settings, simd, network, pack }: TrainingRunOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([1, settings, simd, network, pack.fingerprint]))
    .digest('hex')
}
