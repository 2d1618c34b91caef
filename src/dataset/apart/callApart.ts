import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { NearrankError } from '../../errors.ts'
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
  signal: AbortSignal | undefined
  onProgress: ((progress: OpenProgress) => void) | undefined
}

/** A result, and the most that this process and the one that made it have had in memory together. */
export type Apart<T> = T & { peakRssBytes: number }

/**
 * What a process of its own makes of a request: what it takes and does not give back is gone with it, and a
 * file that crashes it crashes nothing else. Cost: 0.2 s.
 * @throws NearrankError as the other process; INPUT if it crashes.
 */
export async function callApart<Work extends ApartWork>(
  call: ApartCall<Work>,
): Promise<Apart<{ result: Awaited<ReturnType<Work>> }>> {
  type Answer = ApartAnswer<Awaited<ReturnType<Work>>>
  const { module, request, action, data, signal, onProgress } = call
  signal?.throwIfAborted()
  const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const child = fork(fileURLToPath(module) + ending, [data], {
    execArgv: V8_FLAGS,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr!.on(
    'data',
    (piece: Buffer) => (said = (said + piece.toString()).slice(-STDERR_CHARACTERS_MAX)),
  )
  let killer: NodeJS.Timeout | undefined
  const abort = () => {
    if (child.connected) child.send('abort')
    killer = setTimeout(() => child.kill('SIGKILL'), ABORT_MS_MAX)
  }
  signal?.addEventListener('abort', abort)
  try {
    return await new Promise((resolve, reject) => {
      let answer: Exclude<Answer, { type: 'progress' }> | undefined
      child.on('message', (message: Answer) => {
        if (message.type === 'progress') onProgress?.(message.progress)
        else answer = message
      })
      child.on('error', reject)
      child.on('close', (code, by) => {
        if (answer?.type === 'done')
          resolve({
            result: answer.result,
            peakRssBytes: answer.peakRssBytes + process.memoryUsage.rss(),
          })
        else if (answer) reject(new NearrankError(answer.code, answer.message))
        else reject(crashed(`${action} the data in ${data}`, by ?? `exit code ${code}`, said))
      })
      child.send(request, (error) => error && reject(error))
    })
  } finally {
    clearTimeout(killer)
    signal?.removeEventListener('abort', abort)
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
