import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100 // of /proc's times, on every Linux
const INTERVAL_MS = 200
const COST_SHARE = 0.02 // of one core that looking may take: the kernel needs 5 ms for each GiB

/** A process and all that descend from it. */
export function treeOf(pid: number): number[] {
  const children = threadsOf(pid).flatMap((thread) =>
    textOf(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(treeOf)]
}

/** Processor time of the tree so far, of processes that have ended too, seconds. */
export function cpuSecondsOf(pid: number): number {
  return sum(treeOf(pid).map((id) => statTicks(textOf(`/proc/${id}/stat`)))) / TICKS_PER_SECOND
}

/** Own and its ended children's time in user and system mode, of a line of /proc/PID/stat. */
export function statTicks(stat: string): number {
  const behindName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return sum(behindName.slice(11, 15).map(Number))
}

/** Memory of the tree now, bytes; what several processes share is split between them. */
export function memoryBytesOf(pid: number): number {
  const pss = (id: number) => /^Pss:\s+(\d+) kB$/m.exec(textOf(`/proc/${id}/smaps_rollup`))?.[1] ?? 0
  return 1024 * sum(treeOf(pid).map((id) => Number(pss(id))))
}

export interface MemoryWatch {
  /** Ends the watch; the most that was seen, bytes. */
  stop(): number
}

/** Looks at the memory of the tree five times a second, less often where that would take too much time. */
export function watchMemory(pid: number): MemoryWatch {
  let peakBytes = 0
  let timer: NodeJS.Timeout
  const look = () => {
    const started = performance.now()
    peakBytes = Math.max(peakBytes, memoryBytesOf(pid))
    timer = setTimeout(look, Math.max(INTERVAL_MS, (performance.now() - started) / COST_SHARE))
  }
  look()
  return {
    stop() {
      clearTimeout(timer)
      return peakBytes
    },
  }
}

function threadsOf(pid: number): string[] {
  return orElse([], () => readdirSync(`/proc/${pid}/task`))
}

function textOf(path: string): string {
  return orElse('', () => readFileSync(path, 'utf8'))
}

/** Processes end while they are looked at. */
function orElse<T>(gone: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return gone
    throw error
  }
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0)
}
