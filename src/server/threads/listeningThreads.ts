import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { NearrankError } from '../../errors.ts'
import type { RankerMemory } from '../../live/ranker.ts'
import type { LastProblems } from '../problems/lastProblems.ts'
import type {
  FromThread,
  PassedAnswer,
  PassedRequest,
  ThreadConfig,
  ThreadLog,
  ToThread,
} from './protocol.ts'
import { cannotListen } from './listenAddress.ts'
import { endedBy, THREAD_HEAP_MIB, ThreadDeaths } from './threadDeaths.ts'

const THREAD_FILE = new URL(
  `./listeningThread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
)
/**
 * A small young generation: what a request allocates is gone before the next one, and memory grows little
 * with the threads.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: THREAD_HEAP_MIB }

/** A listening thread through all its lives. */
interface Thread {
  readonly number: number // 1 … threads
  readonly deaths: ThreadDeaths
  worker: Worker | undefined // undefined: it has died, and is to be started again
  tookVersion: number // of the memory; 0: none yet
  isListening: boolean
  isClosed: boolean // for good
  cause: Error | undefined // of its death
  again: NodeJS.Timeout | undefined // when it starts again
  onListen: ((message: FromThread) => void) | undefined
}

export interface ListeningThreadsOptions {
  threads: number
  config(thread: number): ThreadConfig
  log(line: ThreadLog): void
  problems: Pick<LastProblems, 'add'>
  /** A thread died, and the server goes on. */
  onDeath(death: ThreadDeath): void
  /** A thread that died takes requests again. */
  onAgain(thread: number): void
  /** A thread died before the server was up, or too often: the server cannot go on. */
  onCrash(error: NearrankError): void
}

export interface ThreadDeath {
  thread: number
  error: Error // what it died of
  againInMs: number | undefined // until it is started again; undefined: the server is stopping
}

/** Answers what the threads pass on; it never rejects. */
export type AnswerPassed = (request: PassedRequest) => Promise<PassedAnswer>

/**
 * The listening threads. They start at once, and listen when `listen` is called. From then on, a thread that
 * dies is started again, while the others serve on.
 */
export class ListeningThreads {
  readonly #options: ListeningThreadsOptions
  readonly #threads: Thread[] = []
  #version = 0
  #memory: RankerMemory | undefined // the last one
  #waiting: { isDone: () => boolean; resolve: () => void }[] = []
  #answerPassed: AnswerPassed | undefined // from `listen` on
  #port: number | undefined // where all listen
  #isStopping = false

  constructor(options: ListeningThreadsOptions) {
    this.#options = options
    // Helpers for collections as small as these cost more than they save: 6 % of a thread's processor time.
    setFlagsFromString('--no-parallel-scavenge')
    for (let number = 1; number <= options.threads; number++) {
      const thread: Thread = {
        number,
        deaths: new ThreadDeaths(),
        worker: undefined,
        tookVersion: 0,
        isListening: false,
        isClosed: false,
        cause: undefined,
        again: undefined,
        onListen: undefined,
      }
      this.#threads.push(thread)
      this.#start(thread)
    }
  }

  /** How many threads take requests. */
  get ready(): number {
    return this.#threads.filter(({ tookVersion, isListening }) => tookVersion > 0 && isListening).length
  }

  /** All threads listen on `port` (0: a free one). Returns it. @throws NearrankError INPUT */
  async listen(port: number, answerPassed: AnswerPassed): Promise<number> {
    this.#answerPassed = answerPassed
    let chosen = port
    for (const thread of this.#threads) chosen = await this.#listenOne(thread, chosen)
    this.#port = chosen
    return chosen
  }

  /** Hands `memory` to all threads; resolves when none of them uses an earlier one any more. */
  publish(memory: RankerMemory): Promise<void> {
    const version = ++this.#version
    this.#memory = memory
    for (const thread of this.#threads) send(thread, { what: 'memory', version, memory })
    return this.#until(() =>
      this.#threads.every(
        ({ worker, isClosed, tookVersion }) => !worker || isClosed || tookVersion >= version,
      ),
    )
  }

  /** Every answer from now on closes its connection. */
  drain(): void {
    this.#isStopping = true
    for (const thread of this.#threads) {
      clearTimeout(thread.again)
      send(thread, { what: 'drain' })
    }
  }

  /** Stops listening; resolves when all that has arrived is answered, or after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isStopping = true
    for (const thread of this.#threads) {
      clearTimeout(thread.again)
      if (!thread.worker) thread.isClosed = true
      else if (!thread.isClosed) send(thread, { what: 'close' })
    }
    const late = setTimeout(() => {
      for (const thread of this.#threads) thread.isClosed = true
      this.#checkWaiting()
    }, timeoutMs)
    await this.#until(() => this.#threads.every(({ isClosed }) => isClosed))
    clearTimeout(late)
    await Promise.all(this.#threads.map(async ({ worker }) => worker?.terminate()))
  }

  #start(thread: Thread): void {
    const worker = new Worker(THREAD_FILE, {
      workerData: this.#options.config(thread.number),
      execArgv: [],
      name: `nearrank-${thread.number}`,
      resourceLimits: RESOURCE_LIMITS,
    })
    thread.worker = worker
    thread.cause = undefined
    worker.on('message', (message: FromThread) => this.#receive(thread, message))
    worker.on('error', (error: Error) => (thread.cause = error))
    worker.on('exit', (code) => {
      thread.worker = undefined
      thread.tookVersion = 0
      thread.isListening = false
      if (!thread.isClosed) this.#died(thread, thread.cause ?? new Error(`it ended with code ${code}`))
      this.#checkWaiting()
    })
  }

  #died(thread: Thread, error: Error): void {
    const { number, deaths } = thread
    const mayStart = this.#port !== undefined && !this.#isStopping
    const againInMs = mayStart ? deaths.note(performance.now()) : undefined
    thread.isClosed = againInMs === undefined
    if (againInMs === undefined && !this.#isStopping)
      return this.#options.onCrash(endedBy(number, deaths.count, error))
    this.#options.onDeath({ thread: number, error, againInMs })
    if (againInMs !== undefined) thread.again = setTimeout(() => void this.#startAgain(thread), againInMs)
  }

  async #startAgain(thread: Thread): Promise<void> {
    this.#start(thread)
    // First, so that it can rank from its first request on.
    const [memory, version] = [this.#memory, this.#version]
    if (memory) send(thread, { what: 'memory', version, memory })
    try {
      await this.#listenOne(thread, this.#port ?? 0)
      this.#options.onAgain(thread.number)
    } catch (error) {
      // Another program has taken the port meanwhile.
      thread.cause = error instanceof Error ? error : new Error(String(error))
      await thread.worker?.terminate()
    }
  }

  async #listenOne(thread: Thread, port: number): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<FromThread>()
    thread.onListen = resolve
    send(thread, { what: 'listen', port })
    const message = await promise
    if (message.what === 'listening') {
      thread.isListening = true
      return message.port
    }
    const { host } = this.#options.config(1)
    throw cannotListen(host, port, message.what === 'refused' ? message : { errno: '', message: '' })
  }

  #receive(thread: Thread, message: FromThread): void {
    if (message.what === 'call') void this.#answer(thread, message.call, message.request)
    else if (message.what === 'took') thread.tookVersion = message.version
    else if (message.what === 'closed') thread.isClosed = true
    else if (message.what === 'log') this.#options.log(message.log)
    else if (message.what === 'problems') this.#options.problems.add(message.problems)
    else thread.onListen?.(message)
    this.#checkWaiting()
  }

  async #answer(thread: Thread, call: number, request: PassedRequest): Promise<void> {
    const { worker } = thread
    const answer = await this.#answerPassed?.(request)
    // Calls of another life have numbers of their own.
    if (!answer || thread.worker !== worker) return
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

/** `moved`: what is handed over and not copied. A thread that has died gets nothing. */
function send({ worker }: Thread, message: ToThread, moved: ArrayBuffer[] = []): void {
  worker?.postMessage(message, moved)
}
