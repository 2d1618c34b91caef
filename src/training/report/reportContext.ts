/** What a report tells beside the result: where, when and with what the model was made. */
export interface ReportContext {
  version: string // of Nearrank
  madeAt: string // ISO 8601
  machine: string // 'Intel Xeon …, 2 cores, 8 GiB'
  runtime: string // 'Node 26.10.0, linux x64'
  data: string // name of the data folder, without the way to it
  userFeatures: string[]
  restaurantFeatures: string[]
  slices: string[] // features that evaluate --slices can part the rows by; none: it has no fit one
  dropped?: string // which rows of the data were left out, and why; absent: none
  chosen?: string // settings that follow from the few rows; absent: none
  parts?: string // validation and test rows that are parts of the clicks; absent: there are none
  from?: string // the model that it goes on from; absent: none
  config?: object // what was asked for, as a config file; absent: not known
  bayesAccuracy: number | null // null: the ceiling is not known
  bayesLogLoss: number | null
}
