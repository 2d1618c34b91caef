import { fittedBy } from '../../dataset/clicks/fittedBy.ts'
import { splitsToTrain } from '../../dataset/clicks/openRows.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { weightPlan } from '../../dataset/clicks/weightPlan.ts'
import { checkPartOptions } from '../../dataset/parts.ts'
import { openRowsApart, openTablesApart } from '../../dataset/openApart.ts'
import type { OpenProgress } from '../../dataset/options.ts'
import type { Tables } from '../../dataset/tables/readTables.ts'
import { declaredOf } from '../../features/declaration.ts'
import { type FeaturesOf, SOURCES } from '../../features/featureSpec.ts'
import { type FromOptions, type SourceModel, sourceModel } from '../from/sourceModel.ts'
import type { ArenaShape } from '../memory/arenaShape.ts'
import { packMemoryBytes } from '../memory/memoryPlan.ts'
import { packTableBytes as bytesOfPairs } from '../memory/packTableBytes.ts'
import { planRun, type RunPlan } from '../memory/planRun.ts'
import { type DroppedRows, droppedRows } from '../report/droppedRows.ts'
import { chosenText, settingsForRows } from '../settings/fewRows.ts'
import { checkClasses, checkGroups, checkLoss } from '../settings/groups.ts'
import { resolveRun, resolveSettings } from '../settings/resolveSettings.ts'
import type { TrainEvent, TrainOptions, TrainRun, TrainSettings } from '../types.ts'

/** The data of a run, packed, and what was decided about it. */
export interface Prepared {
  options: FromOptions
  source: SourceModel | null // the model it goes on from
  settings: TrainSettings
  chosen: string | undefined // what of them follows from the few rows
  run: TrainRun
  tables: Tables
  pack: PackedRows
  validation: PackedRows | null // null: a share of the rows, or none
  test: PackedRows | null
  features: FeaturesOf
  plan: RunPlan
  shape: ArenaShape
  memory?: WebAssembly.Memory // of the run; absent: it makes its own
  packSeconds: number
  packPeakRssBytes: number
  dropped: DroppedRows | undefined
  startedMs: number
  report: (event: TrainEvent) => void
}

/** What a run is for. */
interface Purpose {
  measuresTest: boolean // on the test clicks, if there are any
  checkOut: (out: string) => Promise<void> // before anything is packed
}

/**
 * Opens and packs what a run needs, and decides its settings.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK, ABORTED.
 */
export async function prepareRun(
  given: TrainOptions,
  { measuresTest, checkOut }: Purpose,
): Promise<Prepared> {
  const startedMs = performance.now()
  checkPartOptions(given)
  resolveSettings(given)
  for (const side of SOURCES) declaredOf(given.features, side)
  const { source, options } = await sourceModel(given)
  const wanted = resolveSettings(options)
  checkLoss(wanted, options)
  const isWeighted = weightPlan(options) !== null
  const run = resolveRun(options)
  await checkOut(options.out)
  const report = options.onProgress ?? (() => {})
  const open = {
    ...options,
    threads: 1, // of DuckDB; more do not read faster
    memoryBytes: packMemoryBytes(run.maxMemoryBytes),
    onProgress: (progress: OpenProgress) => report({ type: 'pack', ...progress }),
  }
  const { tables, peakRssBytes } = await openTablesApart(open)
  // Before the clicks are packed: they take longer.
  const packTableBytes = bytesOfPairs(tables, options)
  const hasGroups = options.groupColumn !== undefined
  const plan = { tables, run, source, packTableBytes, hasGroups, isWeighted }
  planRun(fittedBy(tables, {}), wanted, plan)
  const splits = await splitsToTrain(options)
  const opened = await openRowsApart(
    { ...open, memoryBytes: packMemoryBytes(run.maxMemoryBytes, packTableBytes) },
    tables,
    splits.filter((split) => measuresTest || split !== 'test'),
  )
  const [pack] = opened.packs
  const [validation, test] = (['validation', 'test'] as const).map(
    (split) => opened.packs.find((one) => one.split === split) ?? null,
  )
  const { features, settings, chosen, shape } = await closedIfRefused(opened.packs, () => {
    const made = settingsForRows(wanted, { options, ...pack })
    checkClasses(pack)
    checkGroups(pack, made.settings)
    const fitted = fittedBy(tables, pack)
    return { ...made, features: fitted, shape: planRun(fitted, made.settings, plan) }
  })
  const packPeakRssBytes = Math.max(peakRssBytes, opened.peakRssBytes)
  const packSeconds = (performance.now() - startedMs) / 1000
  const packed = { tables, pack, validation, test, packSeconds, packPeakRssBytes }
  const dropped = droppedRows(tables, { train: pack, validation, test })
  return {
    options,
    source,
    settings,
    chosen: chosenText(chosen),
    run,
    ...packed,
    dropped,
    features,
    plan,
    shape,
    startedMs,
    report,
  }
}

/** What `decide` returns. If it throws, nobody else will close the packs. */
async function closedIfRefused<T>(packs: readonly PackedRows[], decide: () => T): Promise<T> {
  try {
    return decide()
  } catch (error) {
    for (const pack of packs) await pack.close()
    throw error
  }
}
