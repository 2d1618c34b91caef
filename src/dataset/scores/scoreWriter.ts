import { rm } from 'node:fs/promises'
import { checkUnchanged, fingerprintOf } from '../sources.ts'
import type { FileToScore } from './filesToScore.ts'
import type { ScoreFolder } from './scoreFolder.ts'
import { Spool } from './spool.ts'
import { writeScores } from './writeScores.ts'

export interface ScoreWriterOptions {
  columns: readonly string[] // to copy
  memoryBytes: number // for DuckDB
  signal: AbortSignal | undefined
}

/** Writes the scores of one file while those of the next one are computed. */
export class ScoreWriter {
  readonly #folder: ScoreFolder
  readonly #options: ScoreWriterOptions
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown

  constructor(folder: ScoreFolder, options: ScoreWriterOptions) {
    this.#folder = folder
    this.#options = options
  }

  /** Where the scores of a file are collected: float32, one for each of its rows; NaN: it is left out. */
  async spoolFor({ name }: FileToScore): Promise<Spool> {
    return new Spool(await this.#folder.temporaryPath(name))
  }

  /** Begins to write a file as soon as the one before it is done. The spool is its to remove. */
  async write(of: FileToScore, scores: Spool, dropped: number): Promise<void> {
    await this.#writing
    this.#writing = this.#write(of, scores, dropped).finally(() => scores.remove())
    this.#writing.catch((error: unknown) => {
      this.#failure = error
    })
  }

  /** Throws what has gone wrong so far. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Settles when all is written. */
  end(): Promise<void> {
    return this.#writing
  }

  async #write({ file, source, name }: FileToScore, scores: Spool, dropped: number): Promise<void> {
    const temporary = await this.#folder.temporaryPath(name)
    try {
      await writeScores(temporary, { ...this.#options, file, scores, hasDropped: dropped > 0 })
      await checkUnchanged(source)
      const made = { source: fingerprintOf([source]), rows: file.rows - dropped, dropped }
      await this.#folder.add(name, temporary, made)
    } finally {
      await rm(temporary, { force: true })
    }
  }
}
