import { readRequests } from '../dataset/requests.ts'
import { NearrankError } from '../errors.ts'
import { type PreparedRequest, type PrepareOptions, prepareRequests } from './prepareRequests.ts'
import { servedContext } from './servedContext.ts'

const ROWS_MAX = 10_000
// as JavaScript values rows take ten times what their bytes do: 70 MB a slice with 1,000 candidates
const SLICE_ROWS = 1000
const BYTES_MAX = 2 ** 30

export interface ReadPreparedOptions extends PrepareOptions {
  rows: number // wanted; at most 10,000, and 1 GiB, are read
  signal?: AbortSignal
}

/**
 * The first rows of a Parquet file of requests, as the bytes that are sent. Columns with the names of context
 * features of the server's model become the context. About 0.2 s for each 1,000 rows of 1,000 candidates.
 * @throws NearrankError INPUT for a file that is none or has no rows, USAGE as `prepareRequests`.
 */
export async function readPreparedRequests(
  path: string,
  url: string,
  options: ReadPreparedOptions,
): Promise<PreparedRequest[]> {
  const rowEnd = Math.min(options.rows, ROWS_MAX)
  const context = await servedContext(url, options)
  const prepared: PreparedRequest[] = []
  let bytes = 0
  while (prepared.length < rowEnd && bytes < BYTES_MAX) {
    const limit = Math.min(SLICE_ROWS, rowEnd - prepared.length)
    const slice = await readRequests(path, { offset: prepared.length, limit, context })
    for (const request of prepareRequests(url, slice, options)) {
      prepared.push(request)
      bytes += request.length
    }
    if (slice.length < limit) break
  }
  if (prepared.length === 0)
    throw new NearrankError('INPUT', `Cannot use ${path}: it must hold at least one request, found no rows`)
  return prepared
}
