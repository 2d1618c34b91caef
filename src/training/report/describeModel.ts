import { arch, platform } from 'node:os'
import { basename, resolve } from 'node:path'
import type { DatasetInfo } from '../../dataset/datasetInfo.ts'
import { arePlainNumbers, type FeaturesOf, namesOf, SIDES } from '../../features/featureSpec.ts'
import { DEFAULT_COLUMNS } from '../../dataset/options.ts'
import { weightPlan } from '../../dataset/clicks/weightPlan.ts'
import { rememberedParts } from '../../dataset/partsOfModel.ts'
import { rememberedPolicies } from '../../dataset/policies.ts'
import type { ModelContent } from '../../model/modelFile.ts'
import type { Network } from '../../model/network.ts'
import { machineName } from '../../machineName.ts'
import { givenOf } from '../../options/option.ts'
import { packageVersion } from '../../packageVersion.ts'
import { droppedList, type DroppedRows } from './droppedRows.ts'
import type { ReportContext } from './reportContext.ts'
import type { SourceModel } from '../from/sourceModel.ts'
import { TRAIN_OPTIONS } from '../settings/allTrainOptions.ts'
import { suggestedSlices } from '../judgement/suggestedSlices.ts'
import { learnsOrderAlone } from '../settings/trainSettings.ts'
import type { TrainOptions, TrainResult } from '../types.ts'

/** What `model.json` tells of a run. */
export function describeModel(
  result: TrainResult,
  made: {
    options: TrainOptions
    source: SourceModel | null
    features: FeaturesOf
    network: Network
    fingerprint: string
    dropped: DroppedRows | undefined
  },
): ModelContent {
  const { options, source, features, network, fingerprint, dropped } = made
  const policies = rememberedPolicies(options)
  const weights = weightPlan(options)
  const parts = rememberedParts(options)
  const isCalibrated = result.judged !== null && !learnsOrderAlone(result.settings.loss)
  const {
    packSeconds,
    trainSeconds,
    seconds,
    peakRssBytes,
    maxMemoryBytes,
    threads,
    turbo,
    native,
    steps,
    parameters,
    rows,
    keptEpoch,
  } = result
  return {
    createdBy: { name: 'nearrank', version: packageVersion() },
    columns: {
      ...DEFAULT_COLUMNS,
      ...options.columns,
      ...(options.groupColumn !== undefined && { group: options.groupColumn }),
      userFeatures: namesOf(features.users),
      restaurantFeatures: namesOf(features.restaurants),
    },
    network,
    ...((features.context || features.pairs || !SIDES.every((side) => arePlainNumbers(features[side]))) && {
      features,
    }),
    ...(learnsOrderAlone(result.settings.loss) && { scores: 'order' as const }),
    preset: result.preset,
    settings: result.settings,
    simd: result.simd,
    dataFingerprint: fingerprint,
    metrics: result.test ? { ...result.test } : null,
    epochs: result.epochs,
    ledger: result.ledger,
    constraints: result.constraints,
    training: {
      rows,
      steps,
      parameters,
      keptEpoch,
      packSeconds,
      trainSeconds,
      seconds,
      peakRssBytes,
      maxMemoryBytes,
      threads,
      turbo,
      native,
      ...(isCalibrated && { calibration: result.judged?.calibration }), // of the test rows, by tenths
      ...(policies && { policies }), // see policiesOfModel
      ...(parts && { parts }), // see partsOfModel
      ...(dropped && { dropped }),
      ...(weights && { weights }),
      ...(source && { from: { name: source.name, sha256: source.sha256 } }), // of its weights
      ...circumstances(),
    },
  }
}

/** What the report tells beside the result. */
export function reportContext(
  {
    options,
    source,
    features,
    dropped,
    chosen,
    parts,
  }: {
    options: TrainOptions
    source: SourceModel | null
    features: FeaturesOf
    dropped: DroppedRows | undefined
    chosen: string | undefined
    parts: string | undefined // see partsText
  },
  info: DatasetInfo | undefined,
): ReportContext {
  return {
    version: packageVersion(),
    ...circumstances(),
    data: basename(resolve(options.data)),
    userFeatures: namesOf(features.users),
    restaurantFeatures: namesOf(features.restaurants),
    slices: suggestedSlices(features),
    ...(parts !== undefined && { parts }),
    ...(dropped && { dropped: droppedList(dropped) }),
    ...(chosen !== undefined && { chosen }),
    ...(source && { from: source.name }),
    config: configOf(options),
    bayesAccuracy: info?.bayesAccuracy ?? null,
    bayesLogLoss: info?.bayesLogLoss ?? null,
  }
}

/** What was asked for, as a config file: folders by their names, without the way to them. */
function configOf(options: TrainOptions): object {
  const { data, out, from, cache: _, resume: __, ...rest } = givenOf(TRAIN_OPTIONS, options)
  const folder = (path: string | undefined) => basename(resolve(path ?? ''))
  return { data: folder(data), out: folder(out), ...(from !== undefined && { from: folder(from) }), ...rest }
}

/** When and on what. */
function circumstances(): { madeAt: string; machine: string; runtime: string } {
  return {
    madeAt: new Date().toISOString(),
    machine: machineName(),
    runtime: `Node ${process.versions.node}, ${platform()} ${arch()}`,
  }
}
