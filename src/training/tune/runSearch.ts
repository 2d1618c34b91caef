import { NearrankError } from '../../errors.ts'
import type { Prepared } from '../run/prepareRun.ts'
import { survivors } from './halving.ts'
import type { Search } from './planSearch.ts'
import { settingsOf } from './space.ts'
import { memoryForTrials, runTrial } from './trial.ts'
import type { TuneFolder } from './tuneFolder.ts'
import { lossAt, type TuneEvent } from './tuneReport.ts'

/**
 * Trains what the folder lacks of the search, round by round.
 * @throws NearrankError INPUT if no settings at all could be trained, ABORTED, DISK, DAMAGED.
 */
export async function runSearch(
  prepared: Prepared,
  { base, given, drawn, rungs, rowsPerEpoch }: Search,
  folder: TuneFolder,
  onProgress: (event: TuneEvent) => void,
): Promise<void> {
  const rowsOf = (rung: number) => rungs[rung].share * base.epochs * rowsPerEpoch
  const trials = drawn.map((varied) => ({
    settings: settingsOf(base, varied, given),
    embeddingDims: varied.embeddingDims ?? 1,
  }))
  const run = { ...prepared, memory: memoryForTrials(prepared, trials) }
  let numbers = drawn.map((_, trial) => trial)
  let rowsBefore = 0
  for (const [i, { share }] of rungs.entries()) {
    const losses = () => folder.trials.map((trial) => lossAt(trial, i))
    const later = rungs.reduce((sum, rung, j) => sum + (j > i ? rung.trials * rowsOf(j) : 0), 0)
    const rowsTotal = rowsBefore + numbers.length * rowsOf(i) + later
    for (const [k, number] of numbers.entries()) {
      const show = (rows: number) =>
        onProgress({
          type: 'trial',
          trial: number,
          rung: i + 1,
          rungs: rungs.length,
          rowsDone: Math.round(rowsBefore + k * rowsOf(i) + rows),
          rowsTotal: Math.round(rowsTotal),
          best: lowest(losses()),
        })
      show(0)
      if (folder.trials[number].rungs.length > i) continue
      await folder.add(number, await runTrial(run, trials[number], share, show))
    }
    rowsBefore += numbers.length * rowsOf(i)
    const ended = losses()
    const failed = numbers.filter((number) => ended[number] === undefined)
    if (failed.length === numbers.length) throw allFailed(folder, failed[0])
    onProgress({
      type: 'rung',
      rung: i + 1,
      rungs: rungs.length,
      epochs: share * base.epochs,
      trials: numbers.length,
      failed: failed.length,
      best: lowest(ended)!,
      preset: ended[0] ?? null,
    })
    numbers = survivors(ended, rungs[i + 1]?.trials ?? 0)
  }
}

function lowest(losses: readonly (number | undefined)[]): number | null {
  const known = losses.filter((loss) => loss !== undefined)
  return known.length > 0 ? Math.min(...known) : null
}

function allFailed(folder: TuneFolder, number: number): NearrankError {
  const last = folder.trials[number].rungs.at(-1)
  const reason = last && 'failed' in last ? last.failed : ''
  return new NearrankError('INPUT', `Cannot tune: no trial could be trained. The first: ${reason}`)
}
