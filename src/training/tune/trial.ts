import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { chooseNative } from '../../kernels/chooseNative.ts'
import { prepareMemory } from '../../kernels/compiledKernels.ts'
import { createMemory } from '../../kernels/kernels.ts'
import { scaleDims } from './embeddingDims.ts'
import { planArena } from '../memory/arena.ts'
import { planRun } from '../memory/planRun.ts'
import { judgedLoss } from '../run/judgedLoss.ts'
import type { Prepared } from '../run/prepareRun.ts'
import { startTraining } from '../run/startTraining.ts'
import { checkGroups } from '../settings/groups.ts'
import type { TrainSettings } from '../types.ts'
import type { Failed, Measured } from './tuneFolder.ts'

/** What is trained. */
export interface TrialSettings {
  settings: TrainSettings // of a whole training
  embeddingDims: number // factor
}

/**
 * One memory for all trials, as large as the largest of those that fit takes: if each had its own, the one
 * before would not always be given back in time.
 */
export function memoryForTrials(prepared: Prepared, trials: readonly TrialSettings[]): WebAssembly.Memory {
  const bytes = trials.map((trial) => {
    try {
      return planArena(planTrial(prepared, trial).shape).bytes
    } catch (error) {
      if (error instanceof NearrankError) return 0 // it will fail
      throw error
    }
  })
  const memory = createMemory(Math.max(...bytes))
  const note = () => {} // each trial tells it
  prepareMemory({ native: chooseNative(prepared.run.kernels, note) }, memory)
  return memory
}

/**
 * Trains with other settings than `prepared`, writes nothing, and measures on the validation rows alone. What
 * cannot be trained with these settings has failed, and says why.
 * @throws NearrankError whatever has nothing to do with the settings: ABORTED, DAMAGED, …
 */
export async function runTrial(
  prepared: Prepared & { memory: WebAssembly.Memory },
  { settings: whole, embeddingDims }: TrialSettings,
  share: number, // of the whole training
  onRows: (rows: number) => void,
): Promise<Measured | Failed> {
  const started = performance.now()
  const epochs = whole.epochs * share
  const settings = { ...whole, warmupSteps: Math.round(whole.warmupSteps * share) }
  const seconds = () => (performance.now() - started) / 1000
  let trial: Prepared | undefined
  try {
    trial = trialOf(prepared, { settings, embeddingDims }, onRows)
    new Uint8Array(prepared.memory.buffer).fill(0, 0, planArena(trial.shape).bytes)
    return { epochs, ...(await train(trial, epochs)), seconds: seconds() }
  } catch (error) {
    // That the data can be trained on is known: what cannot be planned is the fault of the settings.
    const isOwn = error instanceof NearrankError && (!trial || OWN.has(error.code))
    if (!isOwn) throw error
    return { epochs, failed: error.message, seconds: seconds() }
  }
}

const OWN = new Set(['MEMORY', 'NOT_FINITE'])

function trialOf(prepared: Prepared, trial: TrialSettings, onRows: (rows: number) => void): Prepared {
  const { options, run } = prepared
  let rowsBefore = 0
  return {
    ...prepared,
    options: { ...options, out: join(options.out, 'trial') }, // where nothing is, and nothing is written
    settings: trial.settings,
    ...planTrial(prepared, trial),
    run: { ...run, checkpointSeconds: 0, resume: false },
    report: (event) => {
      if (event.type === 'epoch') rowsBefore += event.epoch.rows
      if (event.type === 'step') onRows(rowsBefore + event.rowsDone)
    },
  }
}

/** @throws NearrankError INPUT, MEMORY if such a trial is not possible. */
function planTrial(
  { options, pack, plan, features: own }: Prepared,
  { settings, embeddingDims }: TrialSettings,
): Pick<Prepared, 'features' | 'shape'> {
  checkGroups(pack, settings)
  const features = scaleDims(own, options.features, embeddingDims)
  return { features, shape: planRun(features, settings, plan) }
}

async function train(trial: Prepared, epochs: number): Promise<Omit<Measured, 'epochs' | 'seconds'>> {
  const { lead, training } = await startTraining(trial, epochs)
  try {
    const { keptEpoch } = await training.train()
    const kept = training.state.epochs[keptEpoch - 1]
    const { validationLoss, validationAuc, validationNdcg10 } = kept
    return {
      loss: judgedLoss(trial.settings, kept),
      validationLoss: validationLoss!,
      ...(validationAuc !== undefined && { validationAuc }),
      ...(validationNdcg10 !== undefined && { validationNdcg10 }),
    }
  } finally {
    await lead.close()
  }
}
