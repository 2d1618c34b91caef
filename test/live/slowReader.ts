import { parentPort, workerData } from 'node:worker_threads'
import { ChangeLog } from '../../src/live/changeLog.ts'

// A thread that reads two numbers that belong together. Between the two it waits: it makes the phase odd, and goes on
// when somebody makes it even.
const job = workerData as { shared: SharedArrayBuffer; phase: SharedArrayBuffer; pair: SharedArrayBuffer }
const [phase, pair] = [new Int32Array(job.phase), new Int32Array(job.pair)]
const seen = [0, 0]
new ChangeLog(job.shared).readWhole(
  () => true,
  () => {
    seen[0] = pair[0]
    const waiting = Atomics.add(phase, 0, 1) + 1
    Atomics.notify(phase, 0)
    Atomics.wait(phase, 0, waiting)
    seen[1] = pair[1]
  },
)
parentPort?.postMessage(seen)
