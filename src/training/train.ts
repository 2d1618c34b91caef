import { formatCount } from '../format.ts'
import { readDatasetInfo } from '../dataset/datasetInfo.ts'
import { filesToTrain } from '../dataset/clicks/openRows.ts'
import { unreadFiles } from '../dataset/sources.ts'
import {
  type EncodedWeights,
  encodeWeights,
  recoverModelDirectory,
  saveModel,
} from '../model/modelDirectory.ts'
import { parameterCount, type StateDict } from '../model/network.ts'
import { foldNormalization } from '../model/normalization.ts'
import { checkOutDirectory } from '../model/outDirectory.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { packageVersion } from '../packageVersion.ts'
import type { CrewLead } from './crew/crewLead.ts'
import { growthNote } from './from/sourceModel.ts'
import { popularityOf } from './judgement/popularity.ts'
import { SLICES_MAX as THREADS_FED_MAX, threadsFed } from './memory/arena.ts'
import type { ArenaShape } from './memory/arenaShape.ts'
import { loadFeatures } from './memory/featureMemory.ts'
import { runPeakRssBytes } from './memory/memoryPlan.ts'
import { constraintsTable } from './report/constraints.ts'
import { dataNotes, farNotes, unreadNotes } from './report/dataNotes.ts'
import { describeModel, reportContext } from './report/describeModel.ts'
import { droppedNote } from './report/droppedRows.ts'
import { renderTrainPage } from './report/page/trainPage.ts'
import { partsText } from './report/partsText.ts'
import { renderReport } from './report/report.ts'
import { centreAdditive, withoutAdditive } from './rows/positions.ts'
import { type Judgement, scorePack } from './rows/scoring.ts'
import { abortable } from './run/abort.ts'
import { removeCheckpoints } from './run/checkpoint.ts'
import { claimOut } from '../claimOut.ts'
import { type Prepared, prepareRun } from './run/prepareRun.ts'
import { startTraining } from './run/startTraining.ts'
import { TRAIN_OPTIONS } from './settings/allTrainOptions.ts'
import { learnsOrderAlone } from './settings/trainSettings.ts'
import type { TrainOptions, TrainResult } from './types.ts'

/**
 * Trains a model from click logs in Parquet, out of core, and saves it as `options.out`, whole, replacing an
 * earlier one. The rows are packed on first use. The weights depend on data and settings alone, not on
 * threads or interruptions.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK, CONFLICT,
 * NOT_FINITE, ABORTED; `options.out` is then as it was.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  checkOptions({ ...TRAIN_OPTIONS, ...CALLBACKS }, options, 'train')
  return abortable(options.signal, async () => {
    let release = async () => {}
    const checkOut = async (out: string) => {
      await checkModelOut(out)
      release = await claimOut(out)
    }
    try {
      const prepared = await prepareRun(options, { measuresTest: true, checkOut })
      try {
        return await trainPrepared(prepared)
      } finally {
        for (const pack of [prepared.pack, prepared.validation, prepared.test]) await pack?.close()
      }
    } finally {
      await release()
    }
  })
}

async function checkModelOut(out: string): Promise<void> {
  await recoverModelDirectory(out)
  await checkOutDirectory(out)
}

/** The model of a run that is over, and where its checkpoints are, which it no longer needs. */
interface Trained {
  result: TrainResult
  weights: StateDict
  encoded: EncodedWeights
  checkpoints: string | undefined
}

async function trainPrepared(prepared: Prepared): Promise<TrainResult> {
  // The crew is gone by now, and its memory with it: the vocabularies of a model take some, as JSON.
  const { result, weights, encoded, checkpoints } = await trainedBy(prepared)
  await save(prepared, result, weights, encoded)
  if (checkpoints !== undefined) await removeCheckpoints(checkpoints)
  // Saving takes memory, too. What the model's folder tells was written before it was known.
  const { constraints: _, ...run } = result
  return resultOf({ ...run, peakRssBytes: runPeakRssBytes(run.peakRssBytes) })
}

async function trainedBy(prepared: Prepared): Promise<Trained> {
  const { options, settings, pack, shape, startedMs, report } = prepared
  const { network } = shape
  for (const message of await notesOf(prepared)) report({ type: 'note', message })
  const { lead, training, normalization, simd, turbo, native, rows } = await startTraining(
    prepared,
    settings.epochs,
  )
  try {
    const kept = await training.train()
    const learned = normalization ? foldNormalization(kept.weights, normalization) : kept.weights
    const weights = await centreAdditive(lead, pack, network, learned)
    const judgement = await scoreTest(prepared, lead, weights)
    // Before the peak is read: it is part of it.
    const encoded = encodeWeights(network, weights, {
      producerVersion: packageVersion(),
      scores: learnsOrderAlone(settings.loss) ? 'order' : undefined,
    })
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
      turbo,
      native,
      steps: state.step,
      parameters: parameterCount(network),
      test: judgement?.metrics ?? null,
      judged: judgement?.judged ?? null,
      out: options.out,
    })
    return { result, weights, encoded, checkpoints: await training.leftCheckpoints() }
  } finally {
    await lead.close()
  }
}

/** What a person should know before the training. */
async function notesOf(prepared: Prepared): Promise<string[]> {
  const { options, settings, tables, pack, features, source, dropped, shape } = prepared
  const parts = partsText(options, prepared)
  return [
    ...unreadNotes(await unreadFiles(options, await filesToTrain(options))),
    ...(parts === undefined ? [] : [`Held out: ${parts}.`]),
    ...(dropped ? [droppedNote(dropped)] : []),
    ...dataNotes(tables, features, pack),
    ...(source ? [growthNote(source, features)] : []),
    ...(settings.normalize ? farNotes(tables, features, pack) : []),
    ...idleNotes(shape, prepared.chosen === undefined),
  ]
}

/** `isAdvised`: larger batches are no harm, as they may be to few rows. */
function idleNotes({ batchSize, threads }: ArenaShape, isAdvised: boolean): string[] {
  const fed = threadsFed(batchSize)
  if (threads <= fed) return []
  const most =
    isAdvised && fed < THREADS_FED_MAX ? ` Larger batches (--batch-size) feed up to ${THREADS_FED_MAX}.` : ''
  return [
    `Of ${threads} threads, ${fed} have rows to work on: batches of ${formatCount(batchSize)} rows are cut into so many slices.${most}`,
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
  const { options, source, features, shape, pack, dropped, chosen } = prepared
  const info = await readDatasetInfo(options.data)
  const parts = partsText(options, prepared)
  const context = reportContext({ options, source, features, dropped, chosen, parts }, info)
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
    report: renderReport(result, context),
    page: renderTrainPage(result, context),
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
