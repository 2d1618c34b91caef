import { workerData } from 'node:worker_threads'
import { ChangeLog } from '../../src/live/changeLog.ts'

// A thread that adds to a plain counter, `turns` times, under the log's lock; all threads begin together.
const { shared, words, threads, turns } = workerData as {
  shared: SharedArrayBuffer
  words: SharedArrayBuffer // i32: the counter; threads that are ready
  threads: number
  turns: number
}
const [counter, ready] = [new Int32Array(words, 0, 1), new Int32Array(words, 4, 1)]
const log = new ChangeLog(shared)
Atomics.add(ready, 0, 1)
while (Atomics.load(ready, 0) < threads);
for (let turn = 0; turn < turns; turn++) log.locked(() => counter[0]++)
