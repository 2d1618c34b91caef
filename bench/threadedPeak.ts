import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { BenchBuild } from './builds.ts'

/** What `threads` threads reach together with multiply-adds alone, all at the same time, in GFLOP/s: cores that share a clock or a host are slower together. */
export async function threadedPeakGflops(build: BenchBuild, threads: number, forMs = 300): Promise<number> {
  const url = new URL('./peakWorker.ts', import.meta.url)
  const workers = Array.from(
    { length: threads },
    () => new Worker(url, { workerData: { build, forMs }, execArgv: [] }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const rates = workers.map(async (worker): Promise<number> => {
    worker.postMessage('go')
    const [gflops] = (await once(worker, 'message')) as [number]
    return gflops
  })
  const sum = (await Promise.all(rates)).reduce((total, rate) => total + rate, 0)
  await Promise.all(workers.map((worker) => worker.terminate()))
  return sum
}
