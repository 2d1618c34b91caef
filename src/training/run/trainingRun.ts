import { NearrankError } from '../../errors.ts'
import { parametersToState } from '../../model/parameters.ts'
import type { StateDict } from '../../model/network.ts'
import { describeNotFinite } from '../step/adam.ts'
import { type CheckpointArrays, type CheckpointState, checkpointPath } from './checkpoint.ts'
import { CheckpointKeeper } from './checkpointKeeper.ts'
import { CONTROL, REQUEST, SUM_COUNT, SUMS } from '../crew/control.ts'
import { feedTraining } from '../rows/feed.ts'
import { ledgerEpoch } from '../rows/ledger.ts'
import { runPeakRssBytes } from '../memory/memoryPlan.ts'
import { type RowOrder, RowStream } from '../rows/rowStream.ts'
import { scorePack } from '../rows/scoring.ts'
import { firstState, startOfRun, type TrainingRunOptions } from './startOfRun.ts'
import type { EpochReport } from '../types.ts'

/** Twenty times a second: progress is shown, checkpoints that are due are asked for and written. */
const TICK_MS = 50
const STEP_EVENT_MS = 100

/** The epochs of one training run, from their first step or from a checkpoint's, to the weights that are kept. */
export class TrainingRun {
  readonly #options: TrainingRunOptions
  readonly #sums: Float64Array
  readonly #path: string
  readonly #best: Float32Array
  readonly #keeper: CheckpointKeeper
  #state: CheckpointState
  #snapshots = 0 // of the workers' copies, how many have been seen
  #isAsked = false // for a copy that has not come yet
  #shownAtMs = 0
  #callbackError: unknown

  constructor(options: TrainingRunOptions) {
    this.#options = options
    const { lead, out } = options
    this.#sums = new Float64Array(lead.memory.buffer, lead.arena.sums, SUM_COUNT)
    this.#path = checkpointPath(out)
    this.#best = new Float32Array(lead.arena.layout.size)
    this.#keeper = new CheckpointKeeper({
      path: this.#path,
      everySeconds: options.run.checkpointSeconds,
      onWritten: ({ step }) => options.onProgress({ type: 'checkpoint', step, path: this.#path }),
      onFailed: () => lead.stop(),
    })
    this.#state = firstState(options)
  }

  /** What has been done: read it after `train`. */
  get state(): Readonly<CheckpointState> {
    return this.#state
  }

  /** Begins anew or goes on, see startOfRun. Returns the steps already done. */
  async prepare(): Promise<number> {
    const { state, isResumed } = await startOfRun(this.#options, this.#path, this.#liveArrays())
    this.#state = state
    if (isResumed) this.#keeper.adopt()
    return state.step
  }

  /** All epochs that are left. Leaves the kept weights for normalised features in the state dict it returns. */
  async train(): Promise<{ weights: StateDict; keptEpoch: number }> {
    const { lead, settings } = this.#options
    await this.#writeNow() // a place that cannot be written to is found before hours of work
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

  /** The model is saved: the checkpoint is no longer needed. */
  async finish(): Promise<void> {
    await this.#keeper.remove()
  }

  async #epoch(): Promise<void> {
    const { pack, onProgress } = this.#options
    const startedMs = performance.now()
    const secondsBefore = this.#state.epochSeconds
    const stream = new RowStream(pack, this.#order('training'))
    const seconds = await this.#trainRows(
      stream,
      () => secondsBefore + (performance.now() - startedMs) / 1000,
    )

    const { epoch } = this.#state
    const ledger = ledgerEpoch(epoch, pack, stream.count, this.#sums)
    const [lossSum, correct, rows] = this.#sums
    const report: EpochReport = {
      epoch,
      rows,
      seconds,
      loss: lossSum / rows,
      rowsPerSecond: rows / seconds,
      accuracy: correct / rows,
      accuracyOn: 'training',
    }
    this.#keepPosition(seconds)
    this.#checkSteps()
    if (this.#options.settings.validation > 0) {
      await this.#writeNow() // whoever stops it now loses nothing
      await this.#validate(report)
    }
    const state = this.#state
    this.#state = {
      ...state,
      epoch: epoch + 1,
      rowsDone: 0,
      lossSum: 0,
      correct: 0,
      digest: 0,
      epochSeconds: 0,
      trainSeconds: state.trainSeconds + (performance.now() - startedMs) / 1000 + secondsBefore,
      epochs: [...state.epochs, report],
      ledger: [...state.ledger, ledger],
    }
    onProgress({ type: 'epoch', epoch: report })
    await this.#writeNow()
  }

  /** The rest of the epoch's rows, a step a batch. Returns the seconds spent on the epoch. */
  async #trainRows(stream: RowStream, seconds: () => number): Promise<number> {
    const { lead, signal } = this.#options
    const { step, rowsDone, lossSum, correct, digest } = this.#state
    await stream.skip(rowsDone)
    this.#sums.set([lossSum, correct, rowsDone, digest])
    Atomics.store(lead.control, CONTROL.step, step)
    // A copy that was asked for in the last epoch and came after its end belongs to no position of this one.
    this.#snapshots = Atomics.load(lead.control, CONTROL.snapshot)
    this.#isAsked = false

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
    if (this.#callbackError) throw this.#callbackError
    this.#checkFinite()
    if (Atomics.load(lead.control, CONTROL.leave) !== 0) await this.#leave(seconds())
    return seconds()
  }

  /** Where the workers are now, between two jobs. */
  #keepPosition(epochSeconds: number): void {
    const [lossSum, correct, rowsDone, digest] = this.#sums
    const step = Atomics.load(this.#options.lead.control, CONTROL.step)
    this.#state = { ...this.#state, step, rowsDone, lossSum, correct, digest, epochSeconds }
  }

  #keepPeak(): void {
    this.#state = { ...this.#state, peakRssBytes: Math.max(this.#state.peakRssBytes, runPeakRssBytes()) }
  }

  /** The ledger proves that every row was read; this, that every batch was a step. */
  #checkSteps(): void {
    const { step, epoch } = this.#state
    const wanted = epoch * this.#options.stepsPerEpoch
    if (step !== wanted)
      throw new NearrankError(
        'INTERNAL',
        `After epoch ${epoch} the run has taken ${step} steps, ${wanted} are due`,
      )
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
    const { lead } = this.#options
    try {
      this.#showStep(epochSeconds)
    } catch (error) {
      this.#callbackError = error // of the caller's own: it ends the run, not the process
      lead.stop()
    }
    const taken = Atomics.load(lead.control, CONTROL.snapshot)
    if (taken !== this.#snapshots) {
      this.#snapshots = taken
      this.#isAsked = false
      this.#writeSnapshot(epochSeconds)
    } else if (this.#keeper.isDue && !this.#isAsked) {
      this.#isAsked = true // one at a time: the next copy would go over the one that is being read
      Atomics.compareExchange(lead.control, CONTROL.request, REQUEST.none, REQUEST.snapshot)
    }
  }

  #showStep(epochSeconds: number): void {
    const { settings, rowsPerEpoch, onProgress } = this.#options
    const [loss, , rows] = this.#sums
    const nowMs = performance.now()
    if (rows === 0 || nowMs - this.#shownAtMs < STEP_EVENT_MS) return
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

  /** The copy that the workers have made between two steps. */
  #writeSnapshot(epochSeconds: number): void {
    const { lead } = this.#options
    const { layout, snapshot } = lead.arena
    const [lossSum, correct, rowsDone, digest] = this.#sums.subarray(SUMS.snapshot)
    const step = Atomics.load(lead.control, CONTROL.snapshotStep)
    const arrays = this.#arrays(snapshot, snapshot + 4 * layout.size, snapshot + 8 * layout.size)
    this.#keepPeak()
    this.#keeper.start({ ...this.#state, step, rowsDone, lossSum, correct, digest, epochSeconds }, arrays)
  }

  /** Writes the state of now; the workers rest. */
  async #writeNow(): Promise<void> {
    await this.#keeper.settled()
    this.#keepPeak()
    this.#keeper.start(this.#state, this.#liveArrays())
    await this.#keeper.settled()
  }

  /** The workers have left in mid-epoch, as asked: keep where they are. */
  async #leave(epochSeconds: number): Promise<never> {
    this.#keepPosition(epochSeconds)
    await this.#writeNow()
    const where = `in epoch ${this.#state.epoch}, at step ${this.#state.step}`
    throw new NearrankError(
      'ABORTED',
      this.#options.run.checkpointSeconds > 0
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

  /** Those that the workers train. */
  #liveArrays(): CheckpointArrays {
    const { parameters, momentsM, momentsV } = this.#options.lead.arena
    return this.#arrays(parameters, momentsM, momentsV)
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
