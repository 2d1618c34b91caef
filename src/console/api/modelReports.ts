import type { Answer } from '../../client/callServer.ts'
import type { ConsoleApi } from './consoleApi.ts'

/** What the trainer wrote, read with `numberIn` and `textIn`: models of other versions have other parts. */
export type Written = Readonly<Record<string, unknown>>

export const SOURCES = ['users', 'restaurants', 'context', 'pairs'] as const
export type Source = (typeof SOURCES)[number]

export interface ModelReport {
  checksum: string
  createdBy: string
  ordersOnly: boolean // scores are no probabilities
  preset: string
  features: Readonly<Record<Source, { name: string; kind: string }[]>>
  hidden: number[] // widths of layers
  metrics: Written | null // null: there was no test set
  epochs: Written[]
  constraints: Written[]
  settings: Written
  training: Written
}

/** The model that is served, and those that may take its place. */
export interface ModelReports {
  current: ModelReport
  previous: ModelReport | null // a rollback returns to it
  folder: ModelReport | null // a reload loads it
  folderProblem: string // why the folder cannot be read; '': it can
}

interface ReportJson extends Omit<ModelReport, 'createdBy' | 'ordersOnly'> {
  created_by: string
  scores: string
}
interface ReportsJson {
  current: ReportJson
  previous: ReportJson | null
  folder: ReportJson | null
  folder_problem?: string
}

/** @throws NearrankApiError */
export function getModelReports(api: ConsoleApi, signal?: AbortSignal): Promise<ModelReports> {
  const read = ({ json }: Answer): ModelReports => {
    const { current, previous, folder, folder_problem: folderProblem = '' } = json as ReportsJson
    return {
      current: reportOf(current),
      previous: previous && reportOf(previous),
      folder: folder && reportOf(folder),
      folderProblem,
    }
  }
  return api.getJson({ action: 'get the reports of the models', path: '/admin/models', signal }, read)
}

/** A finite number of a part; null: there is none of this name. */
export function numberIn(part: Written | null, name: string): number | null {
  const value = part && typeof part === 'object' && Object.hasOwn(part, name) ? part[name] : undefined
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** A text of a part; '': there is none of this name. */
export function textIn(part: Written, name: string): string {
  const value = Object.hasOwn(part, name) ? part[name] : undefined
  return typeof value === 'string' ? value : ''
}

function reportOf({ created_by: createdBy, scores, ...rest }: ReportJson): ModelReport {
  return { ...rest, createdBy, ordersOnly: scores === 'order' }
}
