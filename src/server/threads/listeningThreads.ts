import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { NearrankError } from '../../errors.ts'
import type { RankerMemory } from '../../live/ranker.ts'
import type {
  FromThread,
  PassedAnswer,
  PassedRequest,
  ThreadConfig,
  ThreadLog,
  ToThread,
} from './protocol.ts'
import { cannotListen } from './listenAddress.ts'

const THREAD_FILE = new URL(
  `./listeningThread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
)
/**
 * A small young generation: what a request allocates is gone before the next one, and memory grows little
 * with the threads.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 256 }

interface Thread {
  worker: Worker
  tookVersion: number
  isClosed: boolean
}

export interface ListeningThreadsOptions {
  threads: number
  config(thread: number): ThreadConfig
  log(line: ThreadLog): void
  /** A thread ended that should not have: the server cannot go on. */
  onCrash(error: Error): void
}

/** Answers what the threads pass on; it never rejects. */
export type AnswerPassed = (request: PassedRequest) => Promise<PassedAnswer>

/** The listening threads. They start at once, and listen when `listen` is called. */
export class ListeningThreads {
  readonly #options: ListeningThreadsOptions
  readonly #threads: Thread[] = []
  #version = 0
  #waiting: { isDone: () => boolean; resolve: () => void }[] = []
  #answerPassed: AnswerPassed | undefined // from `listen` on
  #onListen: ((thread: Thread, message: FromThread) => void) | undefined

  constructor(options: ListeningThreadsOptions) {
    this.#options = options
    // Helpers for collections as small as these cost more than they save: 6 % of a thread's processor time.
    setFlagsFromString('--no-parallel-scavenge')
    for (let i = 1; i <= options.threads; i++) this.#start(options.config(i))
  }

  /** How many threads take requests. */
  get ready(): number {
    return this.#threads.filter(({ tookVersion, isClosed }) => tookVersion > 0 && !isClosed).length
  }

  /** All threads listen on `port` (0: a free one). Returns it. @throws NearrankError INPUT */
  async listen(port: number, answerPassed: AnswerPassed): Promise<number> {
    this.#answerPassed = answerPassed
    let chosen = port
    for (const thread of this.#threads) chosen = await this.#listenOne(thread, chosen)
    return chosen
  }

  /** Hands `memory` to all threads; resolves when none of them uses an earlier one any more. */
  publish(memory: RankerMemory): Promise<void> {
    const version = ++this.#version
    for (const thread of this.#threads) send(thread, { what: 'memory', version, memory })
    return this.#until(() =>
      this.#threads.every(({ tookVersion, isClosed }) => isClosed || tookVersion >= version),
    )
  }

  /** Every answer from now on closes its connection. */
  drain(): void {
    for (const thread of this.#threads) send(thread, { what: 'drain' })
  }

  /** Stops listening; resolves when all that has arrived is answered, or after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    for (const thread of this.#threads) if (!thread.isClosed) send(thread, { what: 'close' })
    const late = setTimeout(() => {
      for (const thread of this.#threads) thread.isClosed = true
      this.#checkWaiting()
    }, timeoutMs)
    await this.#until(() => this.#threads.every(({ isClosed }) => isClosed))
    clearTimeout(late)
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #start(config: ThreadConfig): void {
    const worker = new Worker(THREAD_FILE, {
      workerData: config,
      execArgv: [],
      name: `nearrank-${config.thread}`,
      resourceLimits: RESOURCE_LIMITS,
    })
    const thread: Thread = { worker, tookVersion: 0, isClosed: false }
    this.#threads.push(thread)
    worker.on('message', (message: FromThread) => this.#receive(thread, message))
    worker.on('error', (error: Error) => this.#crashed(thread, error))
    worker.on('exit', (code) => {
      if (!thread.isClosed)
        this.#crashed(thread, new NearrankError('INTERNAL', `thread ${config.thread} ended, code ${code}`))
    })
  }

  #crashed(thread: Thread, error: Error): void {
    thread.isClosed = true
    this.#checkWaiting()
    this.#options.onCrash(error)
  }

  async #listenOne(thread: Thread, port: number): Promise<number> {
    const answer = new Promise<FromThread>((resolve) => {
      this.#onListen = (from, message) => {
        if (from === thread) resolve(message)
      }
    })
    send(thread, { what: 'listen', port })
    const message = await answer
    this.#onListen = undefined
    if (message.what === 'listening') return message.port
    const { host } = this.#options.config(1)
    throw cannotListen(host, port, message.what === 'refused' ? message : { errno: '', message: '' })
  }

  #receive(thread: Thread, message: FromThread): void {
    if (message.what === 'call') void this.#answer(thread, message.call, message.request)
    else if (message.what === 'took') thread.tookVersion = message.version
    else if (message.what === 'closed') thread.isClosed = true
    else if (message.what === 'log') this.#options.log(message.log)
    else this.#onListen?.(thread, message)
    this.#checkWaiting()
  }

  async #answer(thread: Thread, call: number, request: PassedRequest): Promise<void> {
    const answer = await this.#answerPassed?.(request)
    if (!answer) return
    const { buffer } = answer.body
    send(thread, { what: 'answer', call, answer }, buffer instanceof ArrayBuffer ? [buffer] : [])
  }

  #until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ isDone, resolve })
      this.#checkWaiting()
    })
  }

  #checkWaiting(): void {
    const done = this.#waiting.filter(({ isDone }) => isDone())
    this.#waiting = this.#waiting.filter((waiting) => !done.includes(waiting))
    for (const { resolve } of done) resolve()
  }
}

/** `moved`: what is handed over and not copied. */
function send({ worker }: Thread, message: ToThread, moved: ArrayBuffer[] = []): void {
  worker.postMessage(message, moved)
}
