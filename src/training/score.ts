import type { ClickRows } from '../dataset/clicks/rowLayout.ts'
import { droppedText } from '../dataset/clicks/droppedClicks.ts'
import { type FileToScore, type FilesToScore, withFilesToScore } from '../dataset/scores/filesToScore.ts'
import type { ScoreFolder, ScoresOrigin } from '../dataset/scores/scoreFolder.ts'
import { fillFolder, type ScoreReport, withScoreFolder } from '../dataset/scores/scoreRun.ts'
import { ScoreWriter } from '../dataset/scores/scoreWriter.ts'
import { writeScores } from '../dataset/scores/writeScores.ts'
import type { DatasetOptionsReading } from '../dataset/options.ts'
import type { Tables } from '../dataset/tables/readTables.ts'
import { NearrankError } from '../errors.ts'
import { bestSimd } from '../kernels/kernels.ts'
import { compileForRun } from '../kernels/compileForRun.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import type { OptionValues } from '../options/option.ts'
import { scoreOf, type Scores } from '../model/scoreOf.ts'
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
    Partial<Pick<TrainRun, 'turbo' | 'kernels'>>,
    Partial<OptionValues<typeof SCORE>> {
  /** Folder of the scores; a run that was interrupted continues there. */
  out: string
  /** Replace the scores that `out` holds; default false. */
  overwrite?: boolean
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
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK, CONFLICT, NOT_FINITE, ABORTED.
 */
export async function score(options: ScoreOptions): Promise<ScoreReport> {
  checkOptions({ ...SCORE_OPTIONS, ...CALLBACKS }, options, 'score')
  return abortable(options.signal, async () => {
    const started = performance.now()
    const { files = SCORE.files.default, copyColumns = [], overwrite = false } = options
    const prepared = await prepareScoring(options, { action: 'use', extraBytes, hasGroups: false })
    const open = { ...prepared.open, memoryBytes: DUCKDB_BYTES_MIN, files, copyColumns }
    return withFilesToScore(open, prepared.tables, async (found) => {
      const origin = originOf(prepared, found, options)
      const report = await withScoreFolder({ out: options.out, origin, overwrite }, (folder) =>
        fillFolder(folder, found.files, (left) =>
          scoreFiles(prepared, { ...found, files: left }, folder, options),
        ),
      )
      return { ...report, seconds: (performance.now() - started) / 1000 }
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

/** Scores and writes the files. */
async function scoreFiles(
  prepared: PreparedScoring,
  { files, columns, openReader, check }: FilesToScore,
  folder: ScoreFolder,
  { signal, onProgress, ...options }: ScoreOptions,
): Promise<void> {
  const rowsTotal = files.reduce((sum, { file }) => sum + file.rows, 0)
  const run = resolveRun(options)
  const compiled = compileForRun(bestSimd(), {
    turbo: run.turbo,
    kernels: run.kernels,
    rows: rowsTotal,
    report: (message) => onProgress?.({ type: 'note', message }),
  })
  const reader = await openReader()
  const writer = new ScoreWriter(folder)
  let rowsDone = 0
  const onRows = (rows: number) => {
    signal?.throwIfAborted()
    writer.check()
    rowsDone += rows
    onProgress?.({ type: 'score', rowsDone, rowsTotal })
  }
  await withScoringCrew(prepared, compiled, async (lead) => {
    await lead.run({ type: 'fold' })
    for (const of of files) {
      const { file } = of
      await check(of)
      await writer.add(of, async (scores) => {
        const rows = reader.rowsOf(file, signal)
        const take = (part: Float32Array) => {
          scores.append(part)
          onRows(part.length)
        }
        await scoreRows(
          lead,
          rows,
          scoresInto(lead, { file, meaning: prepared.description.scores }, take),
        ).finally(() => rows.close())
        const { dropped } = rows
        const what = { file, columns, hasDropped: dropped > 0, memoryBytes: DUCKDB_BYTES_MIN, signal }
        const write = (path: string) => writeScores(path, { ...what, scores })
        return { rows: file.rows - dropped, dropped, write }
      })
    }
    await writer.end()
  })
  const reasons = droppedText(reader.dropped)
  if (reasons !== '')
    onProgress?.({ type: 'note', message: `Some rows were left out, as the options say: ${reasons}.` })
}

/** Makes scores of logits; NaN for a row that is left out, which has a 1 in `clicks`. */
function scoresInto(
  lead: CrewLead,
  { file, meaning }: { file: FileToScore['file']; meaning: Scores },
  take: (scores: Float32Array) => void,
) {
  const scores = new Float32Array(lead.arena.ring.chunkRows)
  let first = 0 // row of the file
  return (logits: Float32Array, { clicks }: ClickRows, rows: number) => {
    for (let i = 0; i < rows; i++) {
      const logit = logits[i]
      if (clicks[i] !== 0) scores[i] = Number.NaN
      else if (Math.abs(logit) < Number.POSITIVE_INFINITY) scores[i] = scoreOf(logit, meaning)
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
