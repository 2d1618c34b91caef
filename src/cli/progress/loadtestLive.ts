import type { LoadProgress } from '../../loadtest/types.ts'
import { loadProgressLine } from '../output/loadtestSummary.ts'
import type { ProgressStream } from './progress.ts'

const REDRAW_MS = 250
const PLAIN_LINE_MS = 10_000
const CLEAR_LINE = '\r\u001b[2K'

/** How a load test is going: a line that redraws itself on a terminal, one every ten seconds elsewhere. */
export class LoadtestLive {
  readonly #stream: ProgressStream
  readonly #nowMs: () => number
  readonly #isTerminal: boolean
  #shownMs: number
  #isDrawn = false

  constructor(stream: ProgressStream, nowMs: () => number = () => performance.now()) {
    this.#stream = stream
    this.#nowMs = nowMs
    this.#isTerminal = stream.isTTY === true && process.env.TERM !== 'dumb'
    this.#shownMs = nowMs()
  }

  show(progress: LoadProgress): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#shownMs < (this.#isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#shownMs = nowMs
    // One column stays free: some terminals wrap a line that fills the last one.
    const columns = this.#isTerminal ? (this.#stream.columns ?? 80) - 1 : Number.POSITIVE_INFINITY
    const line = loadProgressLine(progress, columns)
    this.#stream.write(this.#isTerminal ? CLEAR_LINE + line : `${line}\n`)
    this.#isDrawn = this.#isTerminal
  }

  /** A line that stays. */
  line(text: string): void {
    this.end()
    this.#stream.write(`${text}\n`)
  }

  /** Takes the live line away. */
  end(): void {
    if (this.#isDrawn) this.#stream.write(CLEAR_LINE)
    this.#isDrawn = false
  }
}
