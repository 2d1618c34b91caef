import { claimOut } from '../../claimOut.ts'
import type { OpenProgress } from '../options.ts'
import { fingerprintOf } from '../sources.ts'
import { ScoreFolder, type ScoresOrigin } from './scoreFolder.ts'
import type { ScoresOf } from './scoreWriter.ts'

/** How a folder of scores was filled. */
export interface ScoreReport {
  files: number // of scores, in the folder
  skipped: number // of these, how many were there already
  rows: number // in all of these files
  dropped: number // rows of their sources that the options leave out
  seconds: number
}

/** How far it is. */
export type ScoreEvent =
  | ({ type: 'pack' } & OpenProgress)
  | { type: 'score'; rowsDone: number; rowsTotal: number } // without the files that were there already
  | { type: 'note'; message: string }

/**
 * Runs `use` with the folder `out`, which nobody else fills meanwhile.
 * @throws NearrankError CONFLICT if another run does, INPUT, DAMAGED, DISK
 */
export async function withScoreFolder<T>(
  { out, origin, overwrite }: { out: string; origin: ScoresOrigin; overwrite: boolean },
  use: (folder: ScoreFolder) => Promise<T>,
): Promise<T> {
  const release = await claimOut(out, 'score')
  try {
    return await use(await ScoreFolder.open(out, origin, overwrite))
  } finally {
    await release()
  }
}

/** Scores what the folder lacks of `files` by `score`, and tells what is there then. */
export async function fillFolder<T extends ScoresOf>(
  folder: ScoreFolder,
  files: readonly T[],
  score: (left: T[]) => Promise<void>,
): Promise<ScoreReport> {
  const started = performance.now()
  folder.checkNames(files.map(({ name, source }) => ({ name, path: source.name })))
  const left: T[] = []
  for (const file of files)
    if (!(await folder.scored(file.name, fingerprintOf([file.source])))) left.push(file)
  if (left.length > 0) await score(left)
  const report = { files: files.length, skipped: files.length - left.length, rows: 0, dropped: 0 }
  for (const { name, source } of files) {
    const scored = await folder.scored(name, fingerprintOf([source]))
    report.rows += scored?.rows ?? 0
    report.dropped += scored?.dropped ?? 0
  }
  return { ...report, seconds: (performance.now() - started) / 1000 }
}
