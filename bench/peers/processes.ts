import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const NEARRANK = fileURLToPath(new URL('../../bin/nearrank.js', import.meta.url))
const READY_MS = 180_000
const POLL_MS = 50
const STOP_MS = 10_000
const ERROR_CHARACTERS = 2000 // of what a failed command said last

/** A process that was started, and what it has printed. */
export interface Running {
  pid: number
  /** Resolves with its standard output. @throws Error where it prints nothing or ends with another exit code. */
  output(codes?: readonly number[]): Promise<string>
  /** Resolves as soon as it has printed `text` so many times. @throws Error where it ends before. */
  says(text: string, times: number): Promise<void>
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()

/** Starts a program. */
export function start(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  children.add(child)
  let isEnded = false
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      stderr += error.message
      resolve(null)
    })
    child.once('close', resolve)
  }).finally(() => {
    isEnded = true
    children.delete(child)
  })
  const failure = () =>
    new Error(`${program} ${args.join(' ')} failed:\n${stderr.slice(-ERROR_CHARACTERS).trimEnd()}`)
  return {
    pid: child.pid ?? 0,
    async output(codes = [0]) {
      const code = await ended
      if (code === null || !codes.includes(code) || stdout === '') throw failure()
      return stdout
    },
    async says(text, times) {
      const deadline = performance.now() + READY_MS
      while (`${stdout}${stderr}`.split(text).length <= times) {
        if (isEnded || performance.now() > deadline) throw failure()
        await delay(POLL_MS)
      }
    },
    async stop() {
      child.kill('SIGTERM')
      const waiting = new AbortController()
      await Promise.race([ended, delay(STOP_MS, undefined, { signal: waiting.signal })])
      waiting.abort()
      child.kill('SIGKILL')
    },
  }
}

/** Starts the built `nearrank`. */
export function startNearrank(...args: string[]): Running {
  return start(process.execPath, [NEARRANK, ...args])
}

/** Ends whatever is left, at once. */
export function killAll(): void {
  for (const child of children) child.kill('SIGTERM')
}
