import { formatCount, formatSeconds } from '../../format.ts'
import { formatRate, plainProgressLine, type ProgressState, progressLine } from './progressLine.ts'

/** Where progress is shown; `process.stderr` is one. */
export interface ProgressStream {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

const REDRAW_MS = 100
const PLAIN_LINE_MS = 5_000
const STAGE_LINE_MS = 2_000 // a stage that took longer leaves a line behind
const CLEAR_LINE = '\r\u001b[2K'

/**
 * Shows how far a command is: a bar that redraws itself on a terminal, a line every five seconds elsewhere.
 */
export class Progress {
  stream: ProgressStream // replaced by one that shows nothing for --quiet
  readonly #nowMs: () => number
  #stage = ''
  #stageStartMs = 0
  #stageStartDone = 0
  #shownMs = 0
  #done = 0
  #unit = 'rows'
  #isDrawn = false

  constructor(stream: ProgressStream, nowMs: () => number = () => performance.now()) {
    this.stream = stream
    this.#nowMs = nowMs
  }

  get #isTerminal(): boolean {
    return this.stream.isTTY === true && process.env.TERM !== 'dumb'
  }

  /**
   * Shows `state`, not more often than makes sense. Speed and time left are worked out where they are not
   * given.
   */
  update(state: ProgressState): void {
    const nowMs = this.#nowMs()
    if (state.stage !== this.#stage) {
      this.end()
      this.#stage = state.stage
      this.#stageStartMs = nowMs
      this.#stageStartDone = state.done
      this.#shownMs = this.#isTerminal ? nowMs - REDRAW_MS : nowMs
    }
    this.#done = state.done
    this.#unit = state.unit ?? 'rows'
    if (nowMs - this.#shownMs < (this.#isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#shownMs = nowMs

    const full = this.#withRate(state, nowMs)
    if (this.#isTerminal) {
      // One column stays free: some terminals wrap a line that fills the last one.
      this.stream.write(CLEAR_LINE + progressLine(full, (this.stream.columns ?? 80) - 1))
      this.#isDrawn = true
    } else this.stream.write(`${plainProgressLine(full)}\n`)
  }

  /** Shows a line that stays. */
  line(text: string): void {
    this.#clear()
    this.stream.write(`${text}\n`)
  }

  /**
   * Takes the bar away, and leaves a line about the stage if it took long. Call it in any case, errors
   * included.
   */
  end(options: { quiet?: boolean } = {}): void {
    this.#clear()
    const seconds = (this.#nowMs() - this.#stageStartMs) / 1000
    const rows = this.#done - this.#stageStartDone
    const unit = this.#done === 1 ? this.#unit.replace(/s$/, '') : this.#unit
    if (this.#stage !== '' && !options.quiet && seconds * 1000 >= STAGE_LINE_MS)
      this.stream.write(
        `${this.#stage}  ${formatCount(this.#done)} ${unit} in ${formatSeconds(seconds)}  ${formatRate(rows / seconds, this.#unit)}\n`,
      )
    this.#stage = ''
  }

  #withRate(state: ProgressState, nowMs: number): ProgressState {
    const seconds = (nowMs - this.#stageStartMs) / 1000
    const measured = seconds > 0.5 ? (state.done - this.#stageStartDone) / seconds : Number.NaN
    const rowsPerSecond = state.rowsPerSecond ?? measured
    return {
      ...state,
      rowsPerSecond,
      secondsLeft: state.secondsLeft ?? (state.total - state.done) / rowsPerSecond,
    }
  }

  #clear(): void {
    if (this.#isDrawn) this.stream.write(CLEAR_LINE)
    this.#isDrawn = false
  }
}
