import { parentPort, workerData } from 'node:worker_threads'
import { ChangeLog } from '../../src/live/changeLog.ts'

// A thread that takes the log's lock and never gives it back.
const never = new Int32Array(new SharedArrayBuffer(4))
new ChangeLog(workerData as SharedArrayBuffer).locked(() => {
  parentPort?.postMessage('locked')
  Atomics.wait(never, 0, 0)
})
