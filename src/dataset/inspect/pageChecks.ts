import { NearrankError } from '../../errors.ts'
import { type CheckedFile, checkPages } from '../parquet/checksums/checkPages.ts'
import type { InspectionWarning } from './report.ts'

/**
 * Holds all pages of the inspected files against their checksums, in the turns of the event loop in which
 * the inspection waits for DuckDB.
 */
export class PageChecks {
  readonly #stop = new AbortController()
  readonly #running: Promise<InspectionWarning[]>[] = []

  begin(files: readonly CheckedFile[]): void {
    this.#running.push(this.#check(files))
  }

  /** Of the files that have damaged pages, once all are checked. */
  async warnings(): Promise<InspectionWarning[]> {
    return (await Promise.all(this.#running)).flat()
  }

  stop(): void {
    this.#stop.abort()
  }

  async #check(files: readonly CheckedFile[]): Promise<InspectionWarning[]> {
    const warnings: InspectionWarning[] = []
    const onBadFile = (file: string, { message }: NearrankError) =>
      warnings.push({ kind: 'unreadable', file, column: null, message })
    try {
      await checkPages({ files, isRead: () => true, signal: this.#stop.signal, onBadFile })
    } catch (error) {
      if (!(error instanceof NearrankError && error.code === 'ABORTED')) throw error
    }
    return warnings
  }
}
