import { createHash } from 'node:crypto'
import type { PackedRows } from '../dataset/packedRows.ts'
import { NearrankError } from '../errors.ts'
import type { Simd } from '../kernels/kernels.ts'
import { initialState } from '../model/initialize.ts'
import { parametersToState, stateToParameters } from '../model/parameters.ts'
import type { Network, StateDict } from '../model/network.ts'
import { describeNotFinite } from './adamTasks.ts'
import {
  type CheckpointArrays,
  type CheckpointState,
  checkpointPath,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts'
import type { CrewLead } from './crew.ts'
import { CONTROL, REQUEST, SUM_COUNT, SUMS } from './crewControl.ts'
import { feedTraining } from './feed.ts'
import { ledgerEpoch } from './ledger.ts'
import { type RowOrder, RowStream } from './rowStream.ts'
import { scorePack } from './scoring.ts'
import type { EpochReport, TrainEvent, TrainRun, TrainSettings } from './types.ts'

/** Twenty times a second: progress is shown, checkpoints that are due are asked for and written. */
const TICK_MS = 50
const STEP_EVENT_MS = 100

export interface TrainingRunOptions {
  lead: CrewLead
  pack: PackedRows
  settings: TrainSettings
  run: TrainRun
  simd: Simd
  network: Network
  out: string
  rowsPerEpoch: number
  packSeconds: number
  signal: AbortSignal | undefined
  onProgress: (event: TrainEvent) => void
}

/** The epochs of one training run, from their first step or from a checkpoint's, to the weights that are kept. */
export class TrainingRun {
  readonly #options: TrainingRunOptions
  readonly #sums: Float64Array
  readonly #path: string
  readonly #best: Float32Array
  #state: CheckpointState
  #writing: Promise<void> | undefined
  #writeError: unknown
  #savedAtMs = performance.now()
  #snapshots = 0

  constructor(options: TrainingRunOptions) {
    this.#options = options
    const { lead, out } = options
    this.#sums = new Float64Array(lead.memory.buffer, lead.arena.sums, SUM_COUNT)
    this.#path = checkpointPath(out)
    this.#best = new Float32Array(lead.arena.layout.size)
    this.#state = {
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
      bestLoss: null,
      bestEpoch: 0,
      worseEpochs: 0,
      epochs: [],
      ledger: [],
    }
  }

  /** What has been done: read it after `train`. */
  get state(): Readonly<CheckpointState> {
    return this.#state
  }

  /** Initial weights, or the checkpoint's where there is one and resuming is asked for. Returns the steps already done. */
  async prepare(): Promise<number> {
    const { lead, network, settings, run, onProgress } = this.#options
    const { layout, parameters } = lead.arena
    const found = await readCheckpoint(this.#path).catch((error: unknown) => {
      if (run.resume) throw error
      return undefined // it is going to be replaced
    })
    if (!run.resume || found === undefined) {
      if (found !== undefined)
        onProgress({
          type: 'note',
          message: `Starting anew: the checkpoint ${this.#path} is not used without --resume`,
        })
      stateToParameters(layout, initialState(network, settings.seed), lead.floats(parameters, layout.size))
      return 0
    }
    if (found.state.run !== this.#state.run)
      throw new NearrankError(
        'INPUT',
        `Cannot resume from ${this.#path}: it belongs to a run with other settings, other data or another kernel build. ` +
          'Repeat that run, or train without --resume to start anew.',
      )
    this.#state = found.state
    for (const [name, view] of Object.entries(
      this.#arrays(parameters, lead.arena.momentsM, lead.arena.momentsV),
    ))
      view.set(found.arrays[name as keyof CheckpointArrays])
    return found.state.step
  }

  /** All epochs that are left. Leaves the kept weights for normalised features in the state dict it returns. */
  async train(): Promise<{ weights: StateDict; keptEpoch: number }> {
    const { lead, settings } = this.#options
    await lead.run({ type: 'fold' })
    while (this.#state.epoch <= settings.epochs && !this.#stopsEarly()) await this.#epoch()
    const keepsBest = settings.keep === 'best' && this.#state.bestEpoch > 0
    const { layout, parameters } = lead.arena
    const kept = keepsBest ? this.#best : lead.floats(parameters, layout.size)
    return {
      weights: parametersToState(layout, kept),
      keptEpoch: keepsBest ? this.#state.bestEpoch : this.#state.epochs.length,
    }
  }

  #stopsEarly(): boolean {
    const { patience } = this.#options.settings
    return patience > 0 && this.#state.worseEpochs >= patience
  }

  async #epoch(): Promise<void> {
    const { lead, pack, signal, settings, onProgress } = this.#options
    const state = this.#state
    const startedMs = performance.now()
    const secondsBefore = state.epochSeconds
    const seconds = () => secondsBefore + (performance.now() - startedMs) / 1000
    const stream = new RowStream(pack, this.#order('training'))
    await stream.skip(state.rowsDone)
    this.#sums.set([state.lossSum, state.correct, state.rowsDone, state.digest])
    Atomics.store(lead.control, CONTROL.step, state.step)

    const ticker = setInterval(() => this.#tick(seconds()), TICK_MS)
    const stop = () => lead.stop()
    signal?.addEventListener('abort', stop)
    try {
      await lead.run({ type: 'train' }, () => {
        if (signal?.aborted) stop()
        return feedTraining(lead, stream)
      })
    } finally {
      clearInterval(ticker)
      signal?.removeEventListener('abort', stop)
    }
    this.#checkFinite()
    if (Atomics.load(lead.control, CONTROL.leave) !== 0) await this.#leave(seconds())

    const ledger = ledgerEpoch(state.epoch, pack, stream.count, this.#sums)
    const [lossSum, correct, rows] = this.#sums
    const report: EpochReport = {
      epoch: state.epoch,
      rows,
      seconds: seconds(),
      loss: lossSum / rows,
      rowsPerSecond: rows / seconds(),
      accuracy: correct / rows,
      accuracyOn: 'training',
    }
    if (settings.validation > 0) await this.#validate(report)
    this.#state = {
      ...state,
      step: Atomics.load(lead.control, CONTROL.step),
      epoch: state.epoch + 1,
      rowsDone: 0,
      lossSum: 0,
      correct: 0,
      digest: 0,
      epochSeconds: 0,
      trainSeconds: state.trainSeconds + (performance.now() - startedMs) / 1000 + secondsBefore,
      bestLoss: this.#state.bestLoss,
      bestEpoch: this.#state.bestEpoch,
      worseEpochs: this.#state.worseEpochs,
      epochs: [...state.epochs, report],
      ledger: [...state.ledger, ledger],
    }
    onProgress({ type: 'epoch', epoch: report })
    await this.#writeNow()
  }

  /** The validation rows, scored with the weights of now; remembers the best. */
  async #validate(report: EpochReport): Promise<void> {
    const { lead, pack, signal } = this.#options
    const metrics = await scorePack(lead, pack, { order: this.#order('validation'), ndcg: false, signal })
    report.accuracy = metrics.accuracy
    report.accuracyOn = 'validation'
    report.validationLoss = metrics.logLoss
    if (metrics.auc !== null) report.validationAuc = metrics.auc
    const state = this.#state
    if (state.bestLoss === null || metrics.logLoss < state.bestLoss) {
      this.#state = { ...state, bestLoss: metrics.logLoss, bestEpoch: report.epoch, worseEpochs: 0 }
      const { layout, parameters } = lead.arena
      this.#best.set(lead.floats(parameters, layout.size))
    } else this.#state = { ...state, worseEpochs: state.worseEpochs + 1 }
  }

  #order(part: 'training' | 'validation'): RowOrder {
    const { shuffle, seed, validation } = this.#options.settings
    const select = validation > 0 ? part : 'all'
    return { shuffle: shuffle && part === 'training', seed, epoch: this.#state.epoch, validation, select }
  }

  /** Progress, and checkpoints: asked for when due, written when the workers have answered. */
  #tick(epochSeconds: number): void {
    const { lead, settings, run, rowsPerEpoch, onProgress } = this.#options
    const [loss, , rows] = this.#sums
    const nowMs = performance.now()
    if (rows > 0 && nowMs - this.#shownAtMs >= STEP_EVENT_MS) {
      this.#shownAtMs = nowMs
      onProgress({
        type: 'step',
        epoch: this.#state.epoch,
        epochs: settings.epochs,
        rowsDone: rows,
        rowsTotal: rowsPerEpoch,
        loss: loss / rows,
        rowsPerSecond: rows / epochSeconds,
        rssBytes: process.memoryUsage.rss(),
      })
    }
    if (run.checkpointSeconds === 0 || this.#writing) return
    const taken = Atomics.load(lead.control, CONTROL.snapshot)
    if (taken !== this.#snapshots) {
      this.#snapshots = taken
      this.#writeSnapshot(epochSeconds)
    } else if (nowMs - this.#savedAtMs >= 1000 * run.checkpointSeconds) {
      Atomics.compareExchange(lead.control, CONTROL.request, REQUEST.none, REQUEST.snapshot)
    }
  }
  #shownAtMs = 0

  /** The copy that the workers have made between two steps. */
  #writeSnapshot(epochSeconds: number): void {
    const { lead } = this.#options
    const { layout, snapshot } = lead.arena
    const [lossSum, correct, rowsDone, digest] = this.#sums.subarray(SUMS.snapshot)
    const step = Atomics.load(lead.control, CONTROL.snapshotStep)
    const arrays = this.#arrays(snapshot, snapshot + 4 * layout.size, snapshot + 8 * layout.size)
    this.#startWriting({ ...this.#state, step, rowsDone, lossSum, correct, digest, epochSeconds }, arrays)
  }

  #startWriting(state: CheckpointState, arrays: CheckpointArrays): void {
    const { onProgress } = this.#options
    this.#savedAtMs = performance.now()
    this.#writing = writeCheckpoint(this.#path, state, arrays)
      .then(() => onProgress({ type: 'checkpoint', step: state.step, path: this.#path }))
      .catch((error: unknown) => {
        this.#writeError = error
        this.#options.lead.stop()
      })
      .finally(() => {
        this.#writing = undefined
      })
  }

  /** Writes the state of now; the workers rest. */
  async #writeNow(): Promise<void> {
    await this.#writing
    if (this.#options.run.checkpointSeconds > 0) {
      const { parameters, momentsM, momentsV } = this.#options.lead.arena
      this.#startWriting(this.#state, this.#arrays(parameters, momentsM, momentsV))
      await this.#writing
    }
    if (this.#writeError) throw this.#writeError
  }

  /** The workers have left in mid-epoch, as asked: keep where they are. */
  async #leave(epochSeconds: number): Promise<never> {
    const { lead, run } = this.#options
    if (this.#writeError) throw this.#writeError
    const [lossSum, correct, rowsDone, digest] = this.#sums
    const step = Atomics.load(lead.control, CONTROL.step)
    this.#state = { ...this.#state, step, rowsDone, lossSum, correct, digest, epochSeconds }
    await this.#writeNow()
    const where = `in epoch ${this.#state.epoch}, at step ${step}`
    throw new NearrankError(
      'ABORTED',
      run.checkpointSeconds > 0
        ? `Stopped ${where}. The checkpoint ${this.#path} holds everything: the same command with --resume goes on from there.`
        : `Stopped ${where}, without a checkpoint`,
    )
  }

  #checkFinite(): void {
    const { lead, settings } = this.#options
    const code = Atomics.load(lead.control, CONTROL.notFinite)
    if (code === 0) return
    throw new NearrankError(
      'NOT_FINITE',
      `Cannot go on: NaN or infinity in ${describeNotFinite(code, lead.arena.layout.layers)}, epoch ${this.#state.epoch}, ` +
        `step ${Atomics.load(lead.control, CONTROL.step)}. Lower the learning rate (${settings.learningRate}), or normalise the features.`,
    )
  }

  #arrays(parameters: number, momentsM: number, momentsV: number): CheckpointArrays {
    const { lead } = this.#options
    const view = (at: number) => lead.floats(at, lead.arena.layout.size)
    return {
      parameters: view(parameters),
      momentsM: view(momentsM),
      momentsV: view(momentsV),
      best: this.#best,
    }
  }
}

/** What makes two runs the same run. */
function fingerprint({ settings, simd, network, pack }: TrainingRunOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([1, settings, simd, network, pack.fingerprint]))
    .digest('hex')
}
