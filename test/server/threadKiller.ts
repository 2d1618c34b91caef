import { Worker } from 'node:worker_threads'

// Loaded into a server before it starts (`--import`). It sends messages to listening threads that make them
// die as they may: out of memory, or of an error that nobody catches.

export interface Kill {
  of: 'memory' | 'error'
  threads: number // how many of those that live
}

const TEXTS = 320 // each a MiB of the heap, once it has arrived

const alive: Worker[] = []
process.on('worker', (worker: Worker) => {
  alive.push(worker)
  worker.once('exit', () => alive.splice(alive.indexOf(worker), 1))
})
process.on('message', ({ of, threads }: Kill) => {
  for (const worker of alive.slice(0, threads))
    worker.postMessage(
      of === 'error'
        ? { what: 'memory', version: 1, memory: null }
        : { texts: Array.from({ length: TEXTS }, (_, i) => String(i).padEnd(2 ** 20)) },
    )
})
process.channel?.unref()
