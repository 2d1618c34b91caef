import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../bin/nearrank.js', import.meta.url)) // as it is shipped: without the part of Node that strips types
const TICKS_PER_SECOND = 100 // of /proc's times, on every Linux

/** A process under test, seen from outside. */
export interface Child {
  pid: number
  /** Processor time so far, all threads, seconds. */
  cpuSeconds(): number
  /** The most memory that was resident so far, bytes. */
  peakBytes(): number
  stop(): Promise<void>
}

/** Starts a server and waits until it says that it listens. */
export async function startChild(args: string[]): Promise<Child> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with code ${code}`)))
  })
  child.stdout.resume()
  return {
    pid: child.pid ?? 0,
    cpuSeconds: () => cpuSecondsOf(child),
    peakBytes: () => peakBytesOf(child),
    async stop() {
      child.kill('SIGTERM')
      await Promise.race([ended, delay(10_000)])
      child.kill('SIGKILL')
    },
  }
}

/** `nearrank` with arguments; standard output. Exit code 1 is a limit that is not kept, which the output tells. */
export async function nearrank(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0 && stdout === '') throw new Error(`nearrank ${args.join(' ')} failed with code ${code}`)
  return stdout
}

export function serveArgs(...args: string[]): string[] {
  return [MAIN, 'serve', '--json', '--log-level', 'warn', ...args]
}

function cpuSecondsOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function peakBytesOf({ pid }: ChildProcess): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return 1024 * Number(line?.[1])
}
