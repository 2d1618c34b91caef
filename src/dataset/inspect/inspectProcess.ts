import { type ApartRun, serveApart } from '../apart/serveApart.ts'
import type { DatasetOptions } from '../options.ts'
import { inspectFolder } from './inspectFolder.ts'
import { withReader } from './reader.ts'
import type { Found } from './report.ts'

/** What the process that inspects is asked to do. */
export interface InspectRequest {
  options: DatasetOptions
  data: string // the folder's real path
}

export type InspectApart = typeof inspectApart

// The main module of that process, see inspect.ts.
serveApart(inspectApart)

function inspectApart({ options, data }: InspectRequest, { signal, onProgress }: ApartRun): Promise<Found> {
  return withReader(signal, (reader) => inspectFolder(reader, options, { data, onProgress }))
}
