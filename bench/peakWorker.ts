// A worker thread that does nothing but multiply-adds for a while, and tells how many: see threadedPeakGflops.
import { parentPort, workerData } from 'node:worker_threads'
import { bindCompiled } from '../src/kernels/compiledKernels.ts'
import { createMemory } from '../src/kernels/kernels.ts'
import type { BenchBuild } from './builds.ts'

const STEPS = 2000
const AT = 4096
const { build, forMs } = workerData as { build: BenchBuild; forMs: number }
const kernels = bindCompiled(build, createMemory(65_536))
for (let i = 0; i < 2000; i++) kernels.peak(AT, STEPS)
parentPort!.once('message', () => {
  const startedMs = performance.now()
  let calls = 0
  while (performance.now() - startedMs < forMs) {
    kernels.peak(AT, STEPS)
    calls++
  }
  parentPort!.postMessage((build.peakFlops * STEPS * calls) / (performance.now() - startedMs) / 1e6)
})
parentPort!.postMessage('ready')
