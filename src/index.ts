export { NearrankError, type ErrorCode } from './errors.ts'
export type { ColumnNames, DatasetOptions } from './dataset/options.ts'
export { generate, type GenerateOptions, type GenerateResult } from './dataset/generator/generate.ts'
export { inspect } from './dataset/inspect/inspect.ts'
export type { InspectOptions } from './dataset/inspect/inspectOptions.ts'
export type { InspectedColumn, Inspection, InspectionWarning } from './dataset/inspect/report.ts'
export { train } from './training/train.ts'
export { tune, type TuneOptions } from './training/tune.ts'
export type { TuneTrial } from './training/tune/tuneFolder.ts'
export type { TuneEvent, TuneReport } from './training/tune/tuneReport.ts'
export { evaluate, type EvaluateOptions, type EvaluationReport } from './training/evaluate.ts'
export { compare, type CompareOptions, type Comparison } from './training/compare.ts'
export type { ComparedMeasure, ModelDifference } from './training/judgement/differences.ts'
export { importance, type ImportanceOptions, type ImportanceReport } from './training/importance.ts'
export type { Importance } from './training/importance/measure.ts'
export { score, type ScoreOptions } from './training/score.ts'
export type { ScoreEvent, ScoreReport } from './dataset/scores/scoreRun.ts'
export { PRESETS } from './training/settings/presets.ts'
export type {
  Constraint,
  EpochReport,
  LedgerEpoch,
  PresetName,
  TrainEvent,
  TrainOptions,
  TrainResult,
  TrainRun,
  TrainSettings,
} from './training/types.ts'
export type { JudgedSlice } from './training/judgement/sliceJudge.ts'
export type { EvaluationMetrics } from './metrics/clickMetrics.ts'
export { loadModelFiles as loadModel } from './model/modelDirectory.ts'
export { exportModel } from './model/exportModel.ts'
export type { Activation, Network, StateDict } from './model/network.ts'
export {
  recommend,
  type Recommendation,
  type RecommendOptions,
  type UserRequest,
} from './ranking/recommend.ts'
export { scoreTop, type ScoreTopOptions } from './ranking/top/scoreTop.ts'
export { Ranker, type RankedRestaurant, type RankRequest } from './ranking/ranker.ts'
export type { FeatureId } from './ids.ts'
