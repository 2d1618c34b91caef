import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { NearrankError, messageOf } from '../../errors.ts'
import { Random } from '../../random.ts'
import type { ClickSums } from './clicks.ts'
import type { GenerateCounts } from './options.ts'
import type { GenerateTask } from './plan.ts'
import { type RealisticMemory, realisticTable } from './realistic/realisticTable.ts'
import { type ReferenceMemory, referenceTable } from './referenceTable.ts'
import { writeParquet } from '../parquet/parquetWriter.ts'

/** What every worker shares. */
export interface GeneratorWorkerData {
  folder: string
  counts: GenerateCounts
  memory: ReferenceMemory | RealisticMemory
  stop: Int32Array // shared, [1]: not 0 when the work is off
}

export type GeneratorMessage =
  | { type: 'rows'; task: number; rows: number } // more of them are made
  | { type: 'done'; task: number; bytes: number; sums: ClickSums | null }
  | { type: 'failed'; code: NearrankError['code'] | null; message: string }

const PROGRESS_ROWS = 65_536

const { folder, counts, memory, stop } = workerData as GeneratorWorkerData

parentPort?.on('message', ({ number, task }: { number: number; task: GenerateTask }) => {
  makeFile(number, task).then(post, (error: unknown) =>
    post({
      type: 'failed',
      code: error instanceof NearrankError ? error.code : null,
      message: messageOf(error),
    }),
  )
})

function post(message: GeneratorMessage): void {
  parentPort?.postMessage(message, [])
}

async function makeFile(number: number, task: GenerateTask): Promise<GeneratorMessage> {
  const path = join(folder, task.path)
  await mkdir(dirname(path), { recursive: true })
  const random = new Random(counts.seed, ...task.stream)
  const { table, sums, finish } =
    memory.kind === 'realistic'
      ? realisticTable(task, counts, memory, random)
      : { ...referenceTable(task, counts, memory, random), finish: undefined }
  let reported = 0
  await writeParquet(path, {
    ...table,
    fillInto(vectors, start, count) {
      if (Atomics.load(stop, 0) !== 0) throw new NearrankError('ABORTED', 'Stopped while generating')
      table.fillInto(vectors, start, count)
      if (start + count - reported < PROGRESS_ROWS) return
      post({ type: 'rows', task: number, rows: start + count - reported })
      reported = start + count
    },
  })
  post({ type: 'rows', task: number, rows: task.rows - reported })
  finish?.()
  return { type: 'done', task: number, bytes: (await stat(path)).size, sums }
}
