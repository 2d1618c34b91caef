import { parentPort, workerData } from 'node:worker_threads'
import { type TopMemory, TopRanker, type UsersBatch } from './topRanker.ts'

/** What a thread is started with. */
export interface TopStart {
  memory: TopMemory
  thread: number
}

const { memory, thread } = workerData as TopStart
const ranker = new TopRanker(memory, thread)

parentPort!.on('message', (batch: UsersBatch) => parentPort!.postMessage(ranker.rank(batch)))
