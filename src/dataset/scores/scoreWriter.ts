import { rm } from 'node:fs/promises'
import { checkUnchanged, fingerprintOf, type SourceFile } from '../sources.ts'
import type { ScoredFile, ScoreFolder } from './scoreFolder.ts'
import { Spool } from './spool.ts'

/** A file of scores, and what it is made of. */
export interface ScoresOf {
  source: SourceFile
  name: string // of the file of scores, relative to its folder
}

/** What is known of a file of scores when all of them are in the spool. */
export interface SpooledScores extends Pick<ScoredFile, 'rows' | 'dropped'> {
  write: (path: string, scores: Spool) => Promise<void> // as Parquet, synced
}

/** Writes the scores of one file while those of the next one are computed. */
export class ScoreWriter {
  readonly #folder: ScoreFolder
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown

  constructor(folder: ScoreFolder) {
    this.#folder = folder
  }

  /** Collects the scores of a file with `fill`, and begins to write it as soon as the one before is done. */
  async add(of: ScoresOf, fill: (scores: Spool) => Promise<SpooledScores>): Promise<void> {
    const scores = new Spool(await this.#folder.temporaryPath(of.name))
    try {
      const spooled = await fill(scores)
      await this.#writing
      this.#writing = this.#write(of, scores, spooled)
      this.#writing.catch((error: unknown) => {
        this.#failure = error
      })
    } catch (error) {
      scores.close()
      await this.#writing.catch(() => undefined)
      throw error
    }
  }

  /** Throws what has gone wrong with the file that is being written. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Settles when all is written. */
  end(): Promise<void> {
    return this.#writing
  }

  async #write({ source, name }: ScoresOf, scores: Spool, spooled: SpooledScores): Promise<void> {
    const temporary = await this.#folder.temporaryPath(name)
    try {
      await spooled.write(temporary, scores)
      await checkUnchanged(source)
      const { rows, dropped } = spooled
      await this.#folder.add(name, temporary, {
        source: fingerprintOf([source]),
        path: source.name,
        rows,
        dropped,
      })
    } finally {
      scores.close()
      await rm(temporary, { force: true })
    }
  }
}
