import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { messageOf, NearrankError } from '../../errors.ts'
import type { OpenProgress } from '../options.ts'
import type { ApartAnswer, ApartWork } from './serveApart.ts'

const STDERR_CHARACTERS_MAX = 2000
const ABORT_MS_MAX = 10_000

/**
 * V8's bound for young objects: with its own of 16 MiB, reading 12,000 files left 80 MiB more in memory, and
 * was no faster. And who reads may have garbage collected, see rangeReader.ts.
 */
const V8_FLAGS = ['--max-semi-space-size=4', '--expose-gc']

/** Something to do in a process of its own. */
export interface ApartCall<Work extends ApartWork> {
  module: URL // its main module, which calls `serveApart`; without its ending, that of this file is added
  request: Parameters<Work>[0]
  action: 'pack' | 'inspect' // for messages
  data: string // folder, for messages and for people who look at the list of processes
  isKept?: boolean // if it is small, it waits for another call that is likely, @default false
  signal: AbortSignal | undefined
  onProgress: ((progress: OpenProgress) => void) | undefined
}

/** A result, and the most that this process and the one that made it have had in memory together. */
export type Apart<T> = T & { peakRssBytes: number }

const KEPT_MS = 1000
/** What a process that is kept may have taken: of large vocabularies much stays, which packing rows needs. */
const KEPT_RSS_BYTES_MAX = 256 * 2 ** 20
const kept = new Map<string, ApartProcess>()

/**
 * What a process of its own makes of a request: what it takes and does not give back is gone with it, and a
 * file that crashes it crashes nothing else. Cost: 0.2 s, unless one was kept.
 * @throws NearrankError as the other process; INPUT if it crashes.
 */
export async function callApart<Work extends ApartWork>(
  call: ApartCall<Work>,
): Promise<Apart<{ result: Awaited<ReturnType<Work>> }>> {
  const { module, data, isKept = false, signal } = call
  signal?.throwIfAborted()
  const key = `${module.href} ${data}`
  const apart = kept.get(key) ?? new ApartProcess(module, data)
  kept.delete(key)
  const { result, peakRssBytes } = await apart.ask(call)
  if (isKept && peakRssBytes <= KEPT_RSS_BYTES_MAX) {
    kept.set(key, apart)
    apart.rest(KEPT_MS, () => kept.get(key) === apart && kept.delete(key))
  } else await apart.end()
  return { result, peakRssBytes: peakRssBytes + process.memoryUsage.rss() }
}

/** A process that `serveApart` runs in. */
class ApartProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<string> // how it ended
  #said = ''
  #timer: NodeJS.Timeout | undefined

  constructor(module: URL, data: string) {
    const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    const child = fork(fileURLToPath(module) + ending, [data], {
      execArgv: V8_FLAGS,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#closed = new Promise((resolve) => {
      child.on('error', (error) => resolve(messageOf(error)))
      child.on('close', (code, by) => resolve(by ?? `exit code ${code}`))
    })
    child.stderr!.on(
      'data',
      (piece: Buffer) => (this.#said = (this.#said + piece.toString()).slice(-STDERR_CHARACTERS_MAX)),
    )
    this.#child = child
  }

  /** One thing at a time. If it fails, the process ends. */
  async ask<Work extends ApartWork>({
    request,
    action,
    data,
    signal,
    onProgress,
  }: ApartCall<Work>): Promise<ApartAnswer<Awaited<ReturnType<Work>>> & { type: 'done' }> {
    type Answer = ApartAnswer<Awaited<ReturnType<Work>>>
    const child = this.#child
    const { promise, resolve } = Promise.withResolvers<Exclude<Answer, { type: 'progress' }>>()
    const take = (message: Answer) =>
      message.type === 'progress' ? onProgress?.(message.progress) : resolve(message)
    const abort = () => {
      if (child.connected) child.send('abort')
      this.#timer = setTimeout(() => child.kill('SIGKILL'), ABORT_MS_MAX)
    }
    clearTimeout(this.#timer)
    this.#hold(true)
    child.on('message', take)
    signal?.addEventListener('abort', abort)
    try {
      child.send(request, () => {}) // an error: it has ended, and how is told below
      const answer = await Promise.race([promise, this.#closed])
      if (typeof answer === 'string') throw crashed(`${action} the data in ${data}`, answer, this.#said)
      if (answer.type === 'done') return answer
      await this.end()
      throw new NearrankError(answer.code, answer.message)
    } finally {
      clearTimeout(this.#timer)
      signal?.removeEventListener('abort', abort)
      child.off('message', take)
    }
  }

  /** Ends it after `ms`, unless it is asked again; it keeps nothing alive meanwhile. */
  rest(ms: number, ended: () => void): void {
    this.#timer = setTimeout(() => {
      ended() // before it is told to, so that nobody asks a process that is ending
      void this.end()
    }, ms).unref()
    void this.#closed.then(ended)
    this.#hold(false)
  }

  /** Resolves when what it had is free. */
  async end(): Promise<void> {
    // It lets go itself: after a `disconnect()` here, Node 26 never says that the process has closed.
    if (this.#child.connected) this.#child.send('end', () => {})
    await this.#closed
  }

  /** Whether this process waits for it. */
  #hold(holds: boolean): void {
    const { channel, stderr } = this.#child
    for (const handle of [this.#child, channel, stderr as Socket])
      if (holds) handle?.ref()
      else handle?.unref()
  }
}

function crashed(action: string, how: string, said: string): NearrankError {
  const advice =
    how === 'SIGKILL'
      ? 'it was killed, by the system if memory ran out'
      : 'a damaged file may have crashed its reader'
  return new NearrankError(
    'INPUT',
    `Cannot ${action}: the process that read it ended with ${how}; ${advice}${said && `\n${said}`}`,
  )
}
