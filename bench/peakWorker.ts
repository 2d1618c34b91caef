// A worker thread that does nothing but multiply-adds for a while, and tells how many: see threadedPeakGflops.
import { parentPort, workerData } from 'node:worker_threads'
import { bindKernels, compileKernels, createMemory, type Simd } from '../src/kernels/kernels.ts'

const STEPS = 2000
const AT = 4096
const { simd, forMs } = workerData as { simd: Simd; forMs: number }
const memory = createMemory(65_536)
const kernels = bindKernels(compileKernels(simd), memory)
for (let i = 0; i < 2000; i++) kernels.peak(AT, STEPS)
parentPort!.once('message', () => {
  const startedMs = performance.now()
  let calls = 0
  while (performance.now() - startedMs < forMs) {
    kernels.peak(AT, STEPS)
    calls++
  }
  parentPort!.postMessage((96 * STEPS * calls) / (performance.now() - startedMs) / 1e6)
})
parentPort!.postMessage('ready')
