import { parentPort, Worker } from 'node:worker_threads'
import { findNative } from '../../src/kernels/chooseNative.ts'
import { bindKernels, compileKernels, createMemory } from '../../src/kernels/kernels.ts'
import { bindNative } from '../../src/kernels/native.ts'

// Threads that end while V8 optimizes, in threads of its own, what calls native kernels.

const THREADS = 20
const ROUNDS = 3_000 // as many as make V8 optimize the caller

if (parentPort === null) {
  for (let i = 0; i < THREADS; i++) await ended(new Worker(import.meta.filename))
} else {
  const memory = createMemory(2 ** 20)
  const kernels = bindNative(bindKernels(compileKernels('relaxed'), memory), memory, findNative().family!)
  const round = () => {
    for (let i = 0; i < 10; i++) kernels.gemm(0, 8, 0, 1, 1, 4096, 8, 0, 0, 4, 8, 1)
  }
  for (let i = 0; i < ROUNDS; i++) round()
  parentPort.postMessage('computed')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function ended(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => void worker.terminate())
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })
}
