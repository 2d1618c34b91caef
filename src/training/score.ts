import type { ClickRows } from '../dataset/clicks/rowLayout.ts'
import { droppedText } from '../dataset/clicks/droppedClicks.ts'
import { type FileToScore, type FilesToScore, withFilesToScore } from '../dataset/scores/filesToScore.ts'
import { ScoreFolder, type ScoresOrigin } from '../dataset/scores/scoreFolder.ts'
import { ScoreWriter } from '../dataset/scores/scoreWriter.ts'
import { fingerprintOf } from '../dataset/sources.ts'
import type { DatasetOptionsReading } from '../dataset/options.ts'
import type { Tables } from '../dataset/tables/readTables.ts'
import { NearrankError } from '../errors.ts'
import { bestSimd } from '../kernels/kernels.ts'
import { compileForRun } from '../kernels/turbo.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import type { OptionValues } from '../options/option.ts'
import type { CrewLead } from './crew/crewLead.ts'
import type { Arena } from './memory/arena.ts'
import { DUCKDB_BYTES_MIN } from './memory/memoryPlan.ts'
import { abortable } from './run/abort.ts'
import { scoreRows } from './rows/scoring.ts'
import { type PreparedScoring, prepareScoring, type ScoringOptions, withScoringCrew } from './scoringCrew.ts'
import { SCORE, SCORE_OPTIONS } from './settings/scoreOptions.ts'
import { resolveRun } from './settings/resolveSettings.ts'
import type { TrainRun } from './types.ts'

export interface ScoreOptions
  extends DatasetOptionsReading<never>,
    Pick<ScoringOptions, 'threads' | 'maxMemoryBytes' | 'model' | 'signal' | 'onProgress'>,
    Partial<Pick<TrainRun, 'turbo'>>,
    Partial<OptionValues<typeof SCORE>> {
  /** Folder of the scores; a run that was interrupted continues there. */
  out: string
  /** Replace the scores that `out` holds; default false. */
  overwrite?: boolean
}

export interface ScoreReport {
  files: number // of scores, in the folder
  skipped: number // of these, how many were there already
  rows: number // in all of these files
  dropped: number // rows of their sources that the options leave out
  seconds: number
}

/** Of a user or a restaurant, for looking its id up: measured 30. */
const ID_BYTES = 40
/** Of DuckDB, which reads with one connection and writes with another, beside their buffers as well. */
const DUCKDB_BYTES = 2 * (DUCKDB_BYTES_MIN + 48 * 2 ** 20)

/**
 * Scores rows of user and restaurant ids, such as clicks, in files of any size: each file gives one of the
 * same name in `out`, with the ids, the columns to copy and the score of each row, in the same order.
 * Streamed, on all threads, in memory that does not depend on the number of rows. Files that are complete
 * already are skipped. Columns are the model's unless `options` names others.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK, NOT_FINITE, ABORTED.
 */
export async function score(options: ScoreOptions): Promise<ScoreReport> {
  checkOptions({ ...SCORE_OPTIONS, ...CALLBACKS }, options, 'score')
  return abortable(options.signal, async () => {
    const started = performance.now()
    const { files = SCORE.files.default, copyColumns = [], overwrite = false } = options
    const prepared = await prepareScoring(options, { action: 'use', extraBytes, hasGroups: false })
    const memoryBytes = DUCKDB_BYTES_MIN
    const open = { ...prepared.open, memoryBytes, files, copyColumns }
    return withFilesToScore(open, prepared.tables, async (found) => {
      const origin = originOf(prepared, found, options)
      const folder = await ScoreFolder.open(options.out, origin, overwrite)
      const report: ScoreReport = { files: found.files.length, skipped: 0, rows: 0, dropped: 0, seconds: 0 }
      const left: FileToScore[] = []
      for (const one of found.files) {
        const scored = await folder.scored(one.name, fingerprintOf([one.source]))
        if (scored) report.skipped++
        else left.push(one)
        report.rows += scored?.rows ?? one.file.rows
        report.dropped += scored?.dropped ?? 0
      }
      const writer = new ScoreWriter(folder, { columns: found.columns, memoryBytes, signal: options.signal })
      const dropped =
        left.length === 0 ? 0 : await scoreFiles(prepared, { ...found, files: left }, writer, options)
      report.rows -= dropped
      report.dropped += dropped
      report.seconds = (performance.now() - started) / 1000
      return report
    })
  })
}

function extraBytes(_arena: Arena, { users, restaurants }: Tables): number {
  return DUCKDB_BYTES + ID_BYTES * (users.rows + restaurants.rows)
}

/** What scores depend on, beside the file that they are of. */
function originOf(
  { description, tables }: PreparedScoring,
  { columns }: FilesToScore,
  { onMissing = 'fail' }: ScoreOptions,
): ScoresOrigin {
  return {
    model: description.weights.sha256,
    tables: tables.fingerprint,
    options: `columns ${columns.join(', ')}; on missing: ${onMissing}`,
  }
}

/** Scores and writes the files; returns how many rows are left out. */
async function scoreFiles(
  prepared: PreparedScoring,
  { files, openReader }: FilesToScore,
  writer: ScoreWriter,
  { signal, onProgress, ...options }: ScoreOptions,
): Promise<number> {
  const rowsTotal = files.reduce((sum, { file }) => sum + file.rows, 0)
  const compiled = compileForRun(bestSimd(), {
    turbo: resolveRun(options).turbo,
    rows: rowsTotal,
    report: (message) => onProgress?.({ type: 'note', message }),
  })
  const reader = await openReader()
  const dropped = await withScoringCrew(prepared, compiled, async (lead) => {
    await lead.run({ type: 'fold' })
    let rowsDone = 0
    let droppedRows = 0
    const onRows = (rows: number) => {
      signal?.throwIfAborted()
      writer.check()
      rowsDone += rows
      onProgress?.({ type: 'score', rowsDone, rowsTotal })
    }
    try {
      for (const one of files) {
        const scores = await writer.spoolFor(one)
        const rows = reader.rowsOf(one.file, signal)
        try {
          await scoreRows(
            lead,
            rows,
            scoresInto(lead, one, (part) => {
              scores.append(part)
              onRows(part.length)
            }),
          )
        } catch (error) {
          scores.remove()
          throw error
        } finally {
          await rows.close()
        }
        droppedRows += rows.dropped
        await writer.write(one, scores, rows.dropped)
      }
      await writer.end()
    } catch (error) {
      await writer.end().catch(() => undefined)
      throw error
    }
    return droppedRows
  })
  if (dropped > 0)
    onProgress?.({
      type: 'note',
      message: `Some rows were left out, as the options say: ${droppedText(reader.dropped)}.`,
    })
  return dropped
}

/** Makes click probabilities of logits; NaN for a row that is left out, which has a 1 in `clicks`. */
function scoresInto(lead: CrewLead, { file }: FileToScore, take: (scores: Float32Array) => void) {
  const scores = new Float32Array(lead.arena.ring.chunkRows)
  let first = 0 // row of the file
  return (logits: Float32Array, { clicks }: ClickRows, rows: number) => {
    for (let i = 0; i < rows; i++) {
      const logit = logits[i]
      if (clicks[i] !== 0) scores[i] = Number.NaN
      else if (Math.abs(logit) < Number.POSITIVE_INFINITY) scores[i] = 1 / (1 + Math.exp(-logit))
      else
        throw new NearrankError(
          'NOT_FINITE',
          `Cannot score ${file.name}: every score must be a finite number, that of row ${first + i} is not; check the features of its user and restaurant`,
        )
    }
    first += rows
    take(scores.subarray(0, rows))
  }
}
