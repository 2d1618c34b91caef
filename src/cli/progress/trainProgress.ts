import { messageOf, NearrankError } from '../../errors.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import type { EpochReport, TrainEvent } from '../../training/types.ts'
import { packState } from './packState.ts'
import type { Progress } from './progress.ts'
import { formatRate } from './progressLine.ts'

/** Shows the events of a training run, and remembers what a person needs to know when it is interrupted. */
export class TrainProgress {
  readonly #progress: Progress
  #epochs = 0
  #checkpointStep: number | undefined

  constructor(progress: Progress) {
    this.#progress = progress
  }

  show(event: TrainEvent): void {
    switch (event.type) {
      case 'pack':
        this.#progress.update({
          ...packState(event),
          rssBytes: () => process.memoryUsage.rss(),
        })
        break
      case 'start':
        this.#start(event)
        break
      case 'step': {
        const rowsLeft = event.rowsTotal - event.rowsDone + (event.epochs - event.epoch) * event.rowsTotal
        this.#progress.update({
          stage: `train ${event.epoch}/${event.epochs}`,
          done: event.rowsDone,
          total: event.rowsTotal,
          rowsPerSecond: event.rowsPerSecond,
          loss: event.loss,
          secondsLeft: rowsLeft / event.rowsPerSecond,
          rssBytes: () => event.rssBytes,
        })
        break
      }
      case 'epoch':
        this.#progress.end({ quiet: true })
        this.#progress.line(epochLine(event.epoch, this.#epochs))
        break
      case 'checkpoint':
        this.#checkpointStep = event.step
        break
      case 'evaluate':
      case 'score':
      case 'importance':
        this.#progress.update({
          stage: event.type,
          done: event.rowsDone,
          total: event.rowsTotal,
          rssBytes: () => process.memoryUsage.rss(),
        })
        break
      case 'note':
        this.#progress.line(event.message)
        break
    }
  }

  /** The error of a run that was interrupted, with how to go on; any other error as it is. */
  explainInterrupt(error: unknown): unknown {
    const isAbort =
      error instanceof NearrankError
        ? error.code === 'ABORTED'
        : error instanceof Error && error.name === 'AbortError'
    if (!isAbort) return error
    const how =
      this.#checkpointStep === undefined
        ? 'There is no checkpoint yet: the same command starts from the beginning.'
        : `The checkpoint of step ${formatCount(this.#checkpointStep)} is kept: the same command with --resume continues from there.`
    return new NearrankError('ABORTED', `Training was interrupted. ${how}`, { cause: messageOf(error) })
  }

  #start(event: Extract<TrainEvent, { type: 'start' }>): void {
    this.#epochs = event.epochs
    if (event.resumedAtStep > 0) this.#checkpointStep = event.resumedAtStep
    const resumed = event.resumedAtStep > 0 ? `, resumed at step ${formatCount(event.resumedAtStep)}` : ''
    this.#progress.end()
    this.#progress.line(
      `train  ${formatCount(event.rows)} rows an epoch, ${event.epochs} ${event.epochs === 1 ? 'epoch' : 'epochs'}, ` +
        `${formatCount(event.steps)} ${event.steps === 1 ? 'step' : 'steps'}, ${event.threads} ${event.threads === 1 ? 'thread' : 'threads'}${resumed}`,
    )
  }
}

function epochLine(epoch: EpochReport, epochs: number): string {
  return [
    `epoch ${epoch.epoch}/${epochs}`,
    formatSeconds(epoch.seconds),
    formatRate(epoch.rowsPerSecond),
    `loss ${epoch.loss.toFixed(4)}`,
    epoch.validationLoss === undefined ? '' : `validation loss ${epoch.validationLoss.toFixed(4)}`,
    epoch.validationNdcg10 === undefined
      ? `${epoch.accuracyOn} accuracy ${epoch.accuracy.toFixed(4)}`
      : `validation NDCG@10 ${epoch.validationNdcg10.toFixed(4)}`,
  ]
    .filter((part) => part !== '')
    .join('  ')
}
