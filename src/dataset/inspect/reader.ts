import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { PageChecks } from './pageChecks.ts'
import { duckDbMessage, withDuckDb } from '../parquet/duckdb.ts'

const PROGRESS_MS = 250
const THREADS = 2 // an aggregate over files of many row groups is nearly twice as fast as with one
const MEMORY_BYTES = 256 * 2 ** 20

/** Asks DuckDB one thing at a time. */
export interface Reader {
  connection: DuckDBConnection
  pages: PageChecks
  /** All rows of a small answer; a text: why there is none. `onShare`: how much has been read. */
  ask: (sql: string, onShare?: (share: number) => void) => Promise<unknown[][] | string>
}

/** @throws NearrankError ABORTED, from `ask` too. */
export async function withReader<T>(signal: AbortSignal, work: (reader: Reader) => Promise<T>): Promise<T> {
  return withDuckDb({ threads: THREADS, memoryBytes: MEMORY_BYTES }, async (connection) => {
    const stopIfAborted = () => {
      if (signal.aborted) throw new NearrankError('ABORTED', 'Stopped while inspecting')
    }
    const interrupt = () => connection.interrupt()
    signal.addEventListener('abort', interrupt)
    const pages = new PageChecks()
    try {
      await connection.run('SET enable_progress_bar = true')
      await connection.run('SET enable_progress_bar_print = false')
      return await work({
        connection,
        pages,
        ask: async (sql, onShare) => {
          stopIfAborted()
          const ticks = setInterval(() => {
            const { percentage } = connection.progress
            if (percentage > 0) onShare?.(percentage / 100)
          }, PROGRESS_MS)
          try {
            return await (await connection.run(sql)).getRows()
          } catch (error) {
            stopIfAborted()
            return duckDbMessage(error)
          } finally {
            clearInterval(ticks)
          }
        },
      })
    } finally {
      signal.removeEventListener('abort', interrupt)
      pages.stop()
    }
  })
}
