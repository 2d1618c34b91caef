import { NearrankError } from '../../errors.ts'
import type { StateDict } from '../../model/network.ts'
import { parametersToState } from '../../model/parameters.ts'
import { runPeakRssBytes } from '../memory/memoryPlan.ts'
import { ledgerEpoch } from '../rows/ledger.ts'
import { type RowOrder, RowStream } from '../rows/rowStream.ts'
import { scorePack } from '../rows/scoring.ts'
import { trainRows } from '../rows/trainRows.ts'
import type { EpochReport, LedgerEpoch } from '../types.ts'
import { type CheckpointState, checkpointPath } from './checkpoint.ts'
import { CheckpointKeeper } from './checkpointKeeper.ts'
import { judgedLoss } from './judgedLoss.ts'
import { type RunStart, startOfRun, type TrainingRunOptions } from './startOfRun.ts'

/** Twenty times a second: progress is shown, checkpoints that are due are asked for and written. */
const TICK_MS = 50
const STEP_EVENT_MS = 100

/**
 * The epochs of one training run, from their first step or from a checkpoint's, to the weights that are kept.
 */
export class TrainingRun {
  readonly #options: TrainingRunOptions
  readonly #path: string
  readonly #best: Float32Array // parameters of the best epoch, in the end those that are kept
  readonly #keeper: CheckpointKeeper
  #state: CheckpointState
  #shownAtMs = 0
  #callbackError: unknown

  /** Begins anew or goes on, see startOfRun. */
  static async begin(options: TrainingRunOptions): Promise<TrainingRun> {
    const path = checkpointPath(options.out)
    return new TrainingRun(options, path, await startOfRun(options, path))
  }

  private constructor(options: TrainingRunOptions, path: string, { state, best, resumed }: RunStart) {
    this.#options = options
    this.#path = path
    this.#state = state
    this.#best = best
    this.#keeper = new CheckpointKeeper({
      path,
      everySeconds: options.run.checkpointSeconds,
      onWritten: ({ step }) => options.onProgress({ type: 'checkpoint', step, path }),
      onFailed: () => options.lead.stop(),
    })
    if (resumed) this.#keeper.adopt(resumed)
  }

  /** What has been done: read it before and after `train`. */
  get state(): Readonly<CheckpointState> {
    return this.#state
  }

  /**
   * All epochs that are left. Leaves the kept weights for normalised features in the state dict it returns.
   */
  async train(): Promise<{ weights: StateDict; keptEpoch: number }> {
    const { lead, settings, epochs: wanted } = this.#options
    await this.#writeNow() // a place that cannot be written to is found before hours of work
    await lead.run({ type: 'fold' })
    while (this.#state.epoch <= Math.ceil(wanted) && !this.#stopsEarly()) await this.#epoch()
    const { bestEpoch, epochs } = this.#state
    const isBest = settings.keep === 'best' && bestEpoch > 0
    if (!isBest) this.#best.set(lead.trained().parameters)
    const weights = parametersToState(lead.arena.layout, this.#best, { isShared: true })
    return { weights, keptEpoch: isBest ? bestEpoch : epochs.length }
  }

  #stopsEarly(): boolean {
    const { patience } = this.#options.settings
    return patience > 0 && this.#state.worseEpochs >= patience
  }

  /** Where its own checkpoints are, no longer needed once the model is saved; undefined: it has left none. */
  async leftCheckpoints(): Promise<string | undefined> {
    await this.#keeper.settled()
    return this.#keeper.isOurs ? this.#path : undefined
  }

  async #epoch(): Promise<void> {
    const { pack, lead, settings } = this.#options
    const { epoch, epochSeconds } = this.#state
    const startedMs = performance.now()
    const seconds = () => epochSeconds + (performance.now() - startedMs) / 1000
    const stream = new RowStream(pack, this.#order('training'))
    const trainedSeconds = await this.#trainRows(stream, seconds)

    this.#state = { ...this.#state, ...lead.position(), epochSeconds: trainedSeconds }
    const isWhole = this.#rowsMax() === Number.POSITIVE_INFINITY
    const ledger = isWhole ? [ledgerEpoch(epoch, pack, stream.count, lead.position())] : []
    for (const { files } of ledger) files.push(...this.#options.validationFiles)
    if (isWhole) this.#checkSteps()
    const report = this.#report(trainedSeconds)
    if (settings.validation > 0 || this.#options.validation) {
      await this.#writeNow() // whoever stops it now loses nothing
      await this.#validate(report)
    }
    await this.#endEpoch(report, ledger, seconds())
  }

  #report(seconds: number): EpochReport {
    const { epoch, rowsDone: rows, lossSum, correct } = this.#state
    return {
      epoch,
      rows,
      seconds,
      loss: lossSum / rows,
      rowsPerSecond: rows / seconds,
      accuracy: correct / rows,
      accuracyOn: 'training',
    }
  }

  async #endEpoch(report: EpochReport, ledger: LedgerEpoch[], seconds: number): Promise<void> {
    const state = this.#state
    this.#state = {
      ...state,
      epoch: state.epoch + 1,
      rowsDone: 0,
      lossSum: 0,
      correct: 0,
      digest: 0,
      epochSeconds: 0,
      trainSeconds: state.trainSeconds + seconds,
      epochs: [...state.epochs, report],
      ledger: [...state.ledger, ...ledger],
    }
    this.#options.onProgress({ type: 'epoch', epoch: report })
    await this.#writeNow()
  }

  /** The rest of the epoch's rows, a step a batch. Returns the seconds spent on the epoch. */
  async #trainRows(stream: RowStream, seconds: () => number): Promise<number> {
    const { lead, signal } = this.#options
    await stream.skip(this.#state.rowsDone)
    lead.restore(this.#state)
    const ticker = setInterval(() => this.#tick(seconds()), TICK_MS)
    const stop = () => lead.stop()
    signal?.addEventListener('abort', stop)
    try {
      const training = trainRows(lead, stream, this.#rowsMax() - this.#state.rowsDone)
      if (signal?.aborted) stop() // it was before anybody listened
      await training
    } finally {
      clearInterval(ticker)
      signal?.removeEventListener('abort', stop)
    }
    if (this.#callbackError) throw this.#callbackError
    this.#checkFinite()
    if (lead.hasLeft) await this.#leave(seconds())
    return seconds()
  }

  /** Of the epoch in progress. Only the last one may end early; whole groups leave batches with less rows. */
  #rowsMax(): number {
    const { epochs, stepsPerEpoch, rowsPerEpoch, settings, pack } = this.#options
    const share = epochs - (this.#state.epoch - 1)
    if (share >= 1) return Number.POSITIVE_INFINITY
    if (pack.groups) return Math.max(Math.ceil(share * rowsPerEpoch), settings.batchSize)
    return Math.ceil(share * stepsPerEpoch) * settings.batchSize
  }

  #keepPeak(): void {
    const peakRssBytes = Math.max(this.#state.peakRssBytes, runPeakRssBytes(this.#options.packPeakRssBytes))
    this.#state = { ...this.#state, peakRssBytes }
  }

  /** The ledger proves that every row was read; this, that every batch was a step. */
  #checkSteps(): void {
    const { step, epoch } = this.#state
    if (this.#options.pack.groups) return // how many there are depends on how groups fit into batches
    const wanted = epoch * this.#options.stepsPerEpoch
    if (step !== wanted)
      throw new NearrankError(
        'INTERNAL',
        `After epoch ${epoch} the run has taken ${step} steps, expected ${wanted}`,
      )
  }

  /** The validation rows, scored with the weights of now; remembers the best. */
  async #validate(report: EpochReport): Promise<void> {
    const { lead, pack, validation, settings, signal } = this.#options
    const rows = validation ?? pack
    const order = validation ? {} : { order: this.#order('validation') }
    const weights = rows.weights !== undefined
    const options = { ...order, ndcg: false, judge: null, weights, signal }
    const { metrics, weightedLoss } = await scorePack(lead, rows, options)
    const logLoss = weightedLoss ?? metrics.logLoss
    report.accuracy = metrics.accuracy
    report.accuracyOn = 'validation'
    report.validationLoss = logLoss
    if (metrics.auc !== null) report.validationAuc = metrics.auc
    if (typeof metrics.groupNdcg10 === 'number') report.validationNdcg10 = metrics.groupNdcg10
    const state = this.#state
    const loss = judgedLoss(settings, report)
    if (state.bestLoss === null || loss < state.bestLoss) {
      this.#state = { ...state, bestLoss: loss, bestEpoch: report.epoch, worseEpochs: 0 }
      this.#best.set(lead.trained().parameters)
    } else this.#state = { ...state, worseEpochs: state.worseEpochs + 1 }
  }

  #order(part: 'training' | 'validation'): RowOrder {
    const { shuffle, seed, validation, batchSize } = this.#options.settings
    const select = validation > 0 ? part : 'all'
    const isTraining = part === 'training'
    return {
      shuffle: shuffle && isTraining,
      seed,
      epoch: this.#state.epoch,
      validation,
      select,
      wholeGroups: batchSize,
    }
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
    const snapshot = lead.takeSnapshot()
    if (snapshot) {
      this.#keepPeak()
      const state = { ...this.#state, ...snapshot.position, epochSeconds }
      this.#keeper.start(state, { ...snapshot.arrays, best: this.#best })
    } else if (this.#keeper.isDue) lead.requestSnapshot()
  }

  #showStep(epochSeconds: number): void {
    const { settings, rowsPerEpoch, onProgress, lead } = this.#options
    const { lossSum, rowsDone } = lead.position()
    const nowMs = performance.now()
    if (rowsDone === 0 || nowMs - this.#shownAtMs < STEP_EVENT_MS) return
    this.#shownAtMs = nowMs
    onProgress({
      type: 'step',
      epoch: this.#state.epoch,
      epochs: settings.epochs,
      rowsDone,
      rowsTotal: rowsPerEpoch,
      loss: lossSum / rowsDone,
      rowsPerSecond: rowsDone / epochSeconds,
      rssBytes: process.memoryUsage.rss(),
    })
  }

  /** Writes the state of now; the workers rest. */
  async #writeNow(): Promise<void> {
    await this.#keeper.settled()
    this.#keepPeak()
    this.#keeper.start(this.#state, { ...this.#options.lead.trained(), best: this.#best })
    await this.#keeper.settled()
  }

  /** The workers have left in mid-epoch, as asked: keep where they are. */
  async #leave(epochSeconds: number): Promise<never> {
    this.#state = { ...this.#state, ...this.#options.lead.position(), epochSeconds }
    await this.#writeNow()
    const where = `in epoch ${this.#state.epoch}, at step ${this.#state.step}`
    throw new NearrankError(
      'ABORTED',
      this.#options.run.checkpointSeconds > 0
        ? `Stopped ${where}. The checkpoint ${this.#path} holds everything: the same command with --resume continues from there.`
        : `Stopped ${where}, without a checkpoint`,
    )
  }

  #checkFinite(): void {
    const { lead, settings } = this.#options
    const what = lead.notFinite()
    if (what === undefined) return
    throw new NearrankError(
      'NOT_FINITE',
      `Cannot continue training: NaN or infinity in ${what}, epoch ${this.#state.epoch}, step ${lead.position().step}. ` +
        `Lower the learning rate (${settings.learningRate}), or normalise the features.`,
    )
  }
}
