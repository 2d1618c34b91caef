import { Worker } from 'node:worker_threads'
import { NearrankError } from '../../errors.ts'
import type { DatasetInfo } from '../datasetInfo.ts'
import type { ClickSums } from './clicks.ts'
import type { GenerateTask } from './plan.ts'
import type { GeneratorMessage, GeneratorWorkerData } from './worker.ts'

export interface MadeFile {
  task: GenerateTask
  bytes: number
  sums: ClickSums | null
}

/** How data of a kind is made: in rounds, each of which needs what those before it have left in memory. */
export interface GeneratedData {
  rounds: { tasks: GenerateTask[]; memory: () => GeneratorWorkerData['memory'] }[]
  info: (made: MadeFile[]) => DatasetInfo
}

/**
 * Makes every file, each whole on one of `threads` worker threads, and returns them in the order of `tasks`.
 * When one fails the others are told to stop, and all have stopped when this throws.
 */
export async function makeFiles(
  tasks: GenerateTask[],
  threads: number,
  shared: GeneratorWorkerData,
  onRows: (task: GenerateTask, rows: number) => void,
): Promise<MadeFile[]> {
  const made: MadeFile[] = []
  const queue = tasks.entries()
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const failures: unknown[] = []
  const work = async () => {
    const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      workerData: shared,
      execArgv: [], // `--input-type` of a caller would keep the worker from starting
    })
    try {
      for (const [number, task] of queue) {
        if (Atomics.load(shared.stop, 0) !== 0) return
        made[number] = await makeFile(worker, number, task, onRows)
      }
    } catch (error) {
      Atomics.store(shared.stop, 0, 1)
      failures.push(error)
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, work))
  if (failures.length > 0) throw failures[0]
  return made
}

/** Gives a worker one task and waits for the file. */
function makeFile(
  worker: Worker,
  number: number,
  task: GenerateTask,
  onRows: (task: GenerateTask, rows: number) => void,
): Promise<MadeFile> {
  const { promise, resolve, reject } = Promise.withResolvers<MadeFile>()
  const onMessage = (message: GeneratorMessage) => {
    if (message.type === 'rows') onRows(task, message.rows)
    else if (message.type === 'done') resolve({ task, bytes: message.bytes, sums: message.sums })
    else reject(message.code ? new NearrankError(message.code, message.message) : new Error(message.message))
  }
  const onExit = (code: number) => reject(new Error(`a generator thread ended with code ${code}`))
  worker.on('message', onMessage).once('error', reject).once('exit', onExit)
  worker.postMessage({ number, task }, [])
  return promise.finally(() => worker.off('message', onMessage).off('error', reject).off('exit', onExit))
}
