import { readDatasetInfo } from '../dataset/datasetInfo.ts'
import { checkPartOptions } from '../dataset/parts.ts'
import type { Tables } from '../dataset/tables/readTables.ts'
import { openRowsApart, openTablesApart } from '../dataset/openApart.ts'
import type { OpenProgress } from '../dataset/options.ts'
import { filesToTrain, splitsToTrain } from '../dataset/clicks/openRows.ts'
import { unreadFiles } from '../dataset/sources.ts'
import type { PackedRows } from '../dataset/clicks/readRows.ts'
import { fittedBy } from '../dataset/clicks/fittedBy.ts'
import { weightPlan } from '../dataset/clicks/weightPlan.ts'
import { NearrankError } from '../errors.ts'
import { declaredOf } from '../features/declaration.ts'
import { type FeaturesOf, SOURCES } from '../features/featureSpec.ts'
import { formatCount } from '../format.ts'
import { bestSimd } from '../kernels/kernels.ts'
import { compileForRun } from '../kernels/turbo.ts'
import {
  type EncodedWeights,
  encodeWeights,
  recoverModelDirectory,
  saveModel,
} from '../model/modelDirectory.ts'
import { parameterCount, type StateDict } from '../model/network.ts'
import { foldNormalization, type Normalization } from '../model/normalization.ts'
import { checkOutDirectory } from '../model/outDirectory.ts'
import { packageVersion } from '../packageVersion.ts'
import { abortable } from './run/abort.ts'
import type { ArenaShape } from './memory/arenaShape.ts'
import { constraintsTable } from './report/constraints.ts'
import { CrewLead } from './crew/crewLead.ts'
import { dataNotes, farNotes, unreadNotes } from './report/dataNotes.ts'
import { describeModel, reportContext } from './report/describeModel.ts'
import { loadFeatures, normalizationFor } from './memory/featureMemory.ts'
import { packMemoryBytes, runPeakRssBytes } from './memory/memoryPlan.ts'
import { packTableBytes as bytesOfPairs } from './memory/packTableBytes.ts'
import { planRun } from './memory/planRun.ts'
import { type FromOptions, growthNote, type SourceModel, sourceModel, startFrom } from './from/sourceModel.ts'
import { droppedNote, droppedRows, type DroppedRows } from './report/droppedRows.ts'
import { partsText } from './report/partsText.ts'
import { renderReport } from './report/report.ts'
import { validationFiles } from './rows/ledger.ts'
import { popularityOf } from './judgement/popularity.ts'
import { centreAdditive, withoutAdditive } from './rows/positions.ts'
import { epochSize } from './rows/epochSize.ts'
import { setEmbeddingPenalties } from './rows/embeddingPenalties.ts'
import { type Judgement, scorePack } from './rows/scoring.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { checkClasses, checkGroups, checkLoss } from './settings/groups.ts'
import { weightMeans } from './settings/weightMeans.ts'
import { chosenText, settingsForRows, thinProblem } from './settings/fewRows.ts'
import { resolveRun, resolveSettings } from './settings/resolveSettings.ts'
import { TRAIN_OPTIONS } from './settings/allTrainOptions.ts'
import { removeCheckpoint } from './run/checkpoint.ts'
import { TrainingRun } from './run/trainingRun.ts'
import type { TrainEvent, TrainOptions, TrainResult, TrainRun, TrainSettings } from './types.ts'

/** The data of a run, packed, and what was decided about it. */
interface Prepared {
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
  shape: ArenaShape
  packSeconds: number
  packPeakRssBytes: number
  dropped: DroppedRows | undefined
  startedMs: number
  report: (event: TrainEvent) => void
}

/**
 * Trains a model from click logs in Parquet, out of core, and saves it as `options.out`, whole, replacing an
 * earlier one. The rows are packed on first use. The weights depend on data and settings alone, not on
 * threads or interruptions.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK,
 * NOT_FINITE, ABORTED; `options.out` is then as it was.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  checkOptions({ ...TRAIN_OPTIONS, ...CALLBACKS }, options, 'train')
  return abortable(options.signal, async () => {
    const prepared = await prepare(options)
    try {
      return await trainPrepared(prepared)
    } finally {
      for (const pack of [prepared.pack, prepared.validation, prepared.test]) await pack?.close()
    }
  })
}

async function prepare(given: TrainOptions): Promise<Prepared> {
  const startedMs = performance.now()
  checkPartOptions(given)
  resolveSettings(given)
  for (const side of SOURCES) declaredOf(given.features, side)
  const { source, options } = await sourceModel(given)
  const wanted = resolveSettings(options)
  checkLoss(wanted, options)
  const isWeighted = weightPlan(options) !== null
  const run = resolveRun(options)
  await recoverModelDirectory(options.out)
  await checkOutDirectory(options.out)
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
  const opened = await openRowsApart(
    { ...open, memoryBytes: packMemoryBytes(run.maxMemoryBytes, packTableBytes) },
    tables,
    await splitsToTrain(options),
  )
  const [pack] = opened.packs
  const [validation, test] = (['validation', 'test'] as const).map(
    (split) => opened.packs.find((one) => one.split === split) ?? null,
  )
  const features = fittedBy(tables, pack)
  const { settings, chosen } = settingsForRows(wanted, { options, ...pack })
  checkClasses(pack)
  checkGroups(pack, settings)
  const shape = planRun(features, settings, plan)
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
    shape,
    startedMs,
    report,
  }
}

/** The model of a run that is over, and the checkpoint that it no longer needs. */
interface Trained {
  result: TrainResult
  weights: StateDict
  encoded: EncodedWeights
  checkpoint: string | undefined
}

async function trainPrepared(prepared: Prepared): Promise<TrainResult> {
  // The crew is gone by now, and its memory with it: the vocabularies of a model take some, as JSON.
  const { result, weights, encoded, checkpoint } = await trainedBy(prepared)
  await save(prepared, result, weights, encoded)
  if (checkpoint !== undefined) await removeCheckpoint(checkpoint)
  // Saving takes memory, too. What the model's folder tells was written before it was known.
  const { constraints: _, ...run } = result
  return resultOf({ ...run, peakRssBytes: runPeakRssBytes(run.peakRssBytes) })
}

async function trainedBy(prepared: Prepared): Promise<Trained> {
  const { options, source, settings, tables, pack, shape, packSeconds, report, startedMs } = prepared
  const { network } = shape
  const { signal, out } = options
  const simd = bestSimd()
  const means = weightMeans(pack, settings)
  const { rows, steps: stepsPerEpoch } = await epochSize(pack, settings)
  const steps = settings.epochs * stepsPerEpoch
  checkParts(rows, pack.rows, settings)
  const normalization = settings.normalize ? normalizationFor(network, tables, pack) : null
  const compiled = compileForRun(simd, {
    turbo: prepared.run.turbo,
    rows: settings.epochs * rows,
    report: (message) => report({ type: 'note', message }),
  })
  const lead = new CrewLead({ shape, simd, compiled, settings, weights: means, steps })
  try {
    await loadFeatures(lead, tables, normalization)
    await setEmbeddingPenalties(lead, pack, settings)
    for (const message of await notesOf(prepared, normalization)) report({ type: 'note', message })
    const training = await TrainingRun.begin({
      lead,
      pack,
      ...validationOf(prepared),
      settings,
      run: prepared.run,
      simd,
      network,
      from: source && startFrom(source, prepared.features, normalization),
      out,
      rowsPerEpoch: rows,
      stepsPerEpoch,
      packSeconds,
      packPeakRssBytes: prepared.packPeakRssBytes,
      signal,
      onProgress: report,
    })
    noteFewSteps(prepared, { rows, steps })
    report({
      type: 'start',
      rows,
      epochs: settings.epochs,
      steps,
      threads: shape.threads,
      resumedAtStep: training.state.step,
    })
    const kept = await training.train()
    const learned = normalization ? foldNormalization(kept.weights, normalization) : kept.weights
    const weights = await centreAdditive(lead, pack, network, learned)
    const judgement = await scoreTest(prepared, lead, weights)
    // Before the peak is read: it is part of it.
    const encoded = encodeWeights(network, weights, packageVersion())
    const { state } = training
    const result = resultOf({
      preset: options.preset ?? 'default',
      settings,
      rows,
      epochs: state.epochs,
      ledger: state.ledger,
      keptEpoch: kept.keptEpoch,
      packSeconds: state.packSeconds,
      trainSeconds: state.trainSeconds,
      seconds: (performance.now() - startedMs) / 1000,
      peakRssBytes: Math.max(state.peakRssBytes, runPeakRssBytes(prepared.packPeakRssBytes)),
      maxMemoryBytes: prepared.run.maxMemoryBytes,
      threads: shape.threads,
      simd,
      turbo: compiled.turbo,
      steps: state.step,
      parameters: parameterCount(network),
      test: judgement?.metrics ?? null,
      judged: judgement?.judged ?? null,
      out,
    })
    return { result, weights, encoded, checkpoint: await training.leftCheckpoint() }
  } finally {
    await lead.close()
  }
}

/** What each epoch is measured on, if that is a part of the clicks. */
function validationOf({ options, validation }: Prepared) {
  const hasFiles = validation !== null && options.validationFiles !== undefined
  return { validation, validationFiles: hasFiles ? validationFiles(validation) : [] }
}

/** What a person should know before the training. */
async function notesOf(prepared: Prepared, normalization: Normalization | null): Promise<string[]> {
  const { options, tables, features, source, dropped } = prepared
  const parts = partsText(options, prepared)
  return [
    ...unreadNotes(await unreadFiles(options, await filesToTrain(options))),
    ...(parts === undefined ? [] : [`Held out: ${parts}.`]),
    ...(dropped ? [droppedNote(dropped)] : []),
    ...dataNotes(tables, features),
    ...(source ? [growthNote(source, features)] : []),
    ...(normalization ? farNotes(tables) : []),
  ]
}

function resultOf(run: Omit<TrainResult, 'constraints'>): TrainResult {
  return { ...run, constraints: constraintsTable(run) }
}

async function save(
  prepared: Prepared,
  result: TrainResult,
  weights: StateDict,
  encoded: EncodedWeights,
): Promise<void> {
  const { options, source, tables, features, shape, pack, dropped, chosen } = prepared
  const info = await readDatasetInfo(options.data)
  const parts = partsText(options, prepared)
  await saveModel(options.out, {
    description: describeModel(result, {
      options,
      source,
      features,
      network: shape.network,
      fingerprint: pack.fingerprint,
      dropped,
    }),
    weights,
    encoded,
    report: renderReport(result, reportContext({ options, source, tables, dropped, chosen, parts }, info)),
  })
}

/** The saved weights on the test set as it is: the same figures that `evaluate` will give. */
async function scoreTest(prepared: Prepared, lead: CrewLead, weights: StateDict): Promise<Judgement | null> {
  const { test, pack, tables, settings, options, report } = prepared
  if (test === null) return null
  if (settings.normalize) await loadFeatures(lead, tables, null)
  lead.setWeights(withoutAdditive(lead.arena.layout.network, weights))
  // Counting clicks and judging every user would cost seconds, and only groups were learned from.
  const popularity = test.groups ? await popularityOf(pack, tables.restaurants.rows) : null
  return scorePack(lead, test, {
    ndcg: true,
    judge: { baselines: { popularity }, byUser: false },
    signal: options.signal,
    onProgress: (rowsDone, rowsTotal) => report({ type: 'evaluate', rowsDone, rowsTotal }),
  })
}

/** @throws NearrankError INPUT where the split leaves nothing to train on, or nothing to validate with. */
function checkParts(rows: number, allRows: number, { validation }: TrainSettings): void {
  const held = allRows - rows
  if (rows > 0 && (validation === 0 || held > 0)) return
  throw new NearrankError(
    'INPUT',
    `Cannot train with validation ${validation}: of ${allRows} rows it leaves ${rows} to train on and ${held} to validate with. ` +
      'Use another --validation (0: none), another --seed, or more rows.',
  )
}

/** Says what was chosen for few rows, and whether what was given leaves anything to learn. */
function noteFewSteps(
  { chosen, settings, pack, report }: Prepared,
  { rows, steps }: { rows: number; steps: number },
): void {
  if (chosen !== undefined)
    report({
      type: 'note',
      message: `${formatCount(pack.rows)} rows are few, so these settings were chosen for them: ${chosen}. Settings that you give are kept.`,
    })
  const problem = thinProblem(steps, settings, rows)
  if (problem !== undefined) report({ type: 'note', message: problem })
}
