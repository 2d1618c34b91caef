import type { DatasetOptions } from '../dataset/options.ts'
import { hasValidationPart } from '../dataset/parts.ts'
import { NearrankError } from '../errors.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import type { OptionValues } from '../options/option.ts'
import { abortable } from './run/abort.ts'
import { claimOut } from '../claimOut.ts'
import { type Prepared, prepareRun } from './run/prepareRun.ts'
import { TUNE, TUNE_OPTIONS, type TUNE_RUN } from './settings/tuneOptions.ts'
import { bestConfig } from './tune/bestConfig.ts'
import { planSearch } from './tune/planSearch.ts'
import { runSearch } from './tune/runSearch.ts'
import { TuneFolder } from './tune/tuneFolder.ts'
import { type TuneEvent, type TuneReport, tuneReport } from './tune/tuneReport.ts'
import type { TrainSettings } from './types.ts'

export interface TuneOptions
  extends DatasetOptions,
    Partial<TrainSettings>,
    Partial<OptionValues<Omit<typeof TUNE, 'out'>>>,
    Partial<OptionValues<typeof TUNE_RUN>> {
  /** Folder of the search; one that was interrupted continues there. */
  out: string
  signal?: AbortSignal
  onProgress?: (event: TuneEvent) => void
}

/**
 * Searches for better settings than the preset's: random search with successive halving, judged by the
 * validation rows; the test clicks are not read. Settings that are given are not varied. Keeps each training
 * in `<out>/tune.json` as it ends, and writes the best settings as `<out>/best.json`, a config file of
 * `train`. What it finds depends on data, options and seed alone. Cost: for 20 trials, 8 trainings.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK, CONFLICT, ABORTED.
 */
export async function tune(options: TuneOptions): Promise<TuneReport> {
  checkOptions({ ...TUNE_OPTIONS, ...CALLBACKS }, options, 'tune')
  const { out, signal } = options
  if (options.validation === 0 && !hasValidationPart(options))
    throw new NearrankError(
      'USAGE',
      'Cannot tune without a validation split: validation is 0. Leave it out, or set it to a share of the rows, such as 0.05.',
    )
  return abortable(signal, async () => {
    let release = async () => {}
    try {
      const prepared = await prepare(options, async () => {
        release = await claimOut(out, 'tune')
      })
      try {
        return await search(prepared, options)
      } catch (error) {
        if (!signal?.aborted) throw error
        const kept = 'what has been trained is kept, and the same options continue there'
        throw new NearrankError('ABORTED', `Stopped tuning in ${out}: ${kept}`, { cause: error })
      } finally {
        for (const pack of [prepared.pack, prepared.validation]) await pack?.close()
      }
    } finally {
      await release()
    }
  })
}

/** `claim`: called when nothing speaks against the folder. */
function prepare(
  { overwrite = false, onProgress, ...options }: TuneOptions,
  claim: () => Promise<void>,
): Promise<Prepared> {
  const checkOut = async (out: string) => {
    await TuneFolder.check(out, overwrite)
    await claim()
  }
  return prepareRun(
    { ...options, onProgress: (event) => event.type === 'pack' && onProgress?.(event) },
    { measuresTest: false, checkOut },
  )
}

async function search(
  prepared: Prepared,
  { out, trials = TUNE.trials.default, overwrite = false, onProgress = () => {} }: TuneOptions,
): Promise<TuneReport> {
  const started = performance.now()
  const planned = await planSearch(prepared, trials)
  const { origin, drawn } = planned
  const folder = await TuneFolder.open(out, { origin, drawn, overwrite })
  const skipped = folder.trials.reduce((sum, { rungs }) => sum + rungs.length, 0)
  await runSearch(prepared, planned, folder, onProgress)
  const report = tuneReport(planned, folder.trials)
  const config = await folder.addBest(bestConfig(prepared, planned, drawn[report.best]))
  return { ...report, skipped, config, seconds: (performance.now() - started) / 1000 }
}
