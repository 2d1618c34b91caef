import { parseJson } from '../json/parseJson.ts'
import { open, readFile, stat } from 'node:fs/promises'
import { messageOf, NearrankError } from '../errors.ts'
import { toldFeatures } from '../features/featureSpec.ts'
import { requestId } from '../ids.ts'
import { loadModelDescription } from '../model/modelDirectory.ts'
import type { UserRequest } from '../ranking/recommend.ts'
import { parseRecommendRequest } from '../ranking/requestBody.ts'
import type { GivenRequest } from './flags/recommend.ts'

const REQUEST_BYTES_MAX = 64 * 2 ** 20

type Body = Record<string, unknown>

/**
 * Puts a request together from its file and what was given beside it, which wins. Without candidates it is
 * about all restaurants within reach. `model`: its folder, which tells what columns of a Parquet file are the
 * context.
 * @throws NearrankError USAGE where something is missing, INPUT where the file or a value in it is wrong.
 */
export async function readUserRequest(given: GivenRequest, model: string): Promise<UserRequest> {
  if (given.requestRow !== undefined && given.request === undefined)
    throw missing('--request FILE, which --request-row needs,')
  const { user_id: fileUser, ...body }: Body = given.request === undefined ? {} : await readBody(given, model)
  const isAll = given.candidates?.length === 1 && given.candidates[0] === 'all'
  const flags: Body = {
    candidate_restaurant_ids: given.candidates,
    latitude: given.latitude,
    longitude: given.longitude,
    size: given.size,
    max_dist: given.maxDistM,
    sort_dist: given.sortByDistance,
    explain: given.explain,
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) body[key] = value
  if (isAll) delete body.candidate_restaurant_ids // left out, it means all

  const user = given.user ?? fileUser ?? undefined
  if (user === undefined) throw missing('--user ID')
  if (typeof user !== 'string' && typeof user !== 'number' && typeof user !== 'bigint')
    throw new NearrankError(
      'INPUT',
      `Cannot use ${given.request}: user_id must be an integer or a string, found ${JSON.stringify(user)}`,
    )
  if (given.request === undefined && (body.latitude === undefined || body.longitude === undefined))
    throw missing('the place of the user (--latitude DEGREES --longitude DEGREES, or --request FILE)')
  return { user, request: parseRecommendRequest(body) }
}

/** The request of the file, as the body that the API takes. */
async function readBody(given: GivenRequest, model: string): Promise<Body> {
  const path = given.request ?? ''
  if (await isParquet(path)) return readParquetRow(path, given.requestRow ?? 0, model)
  if (given.requestRow !== undefined)
    throw new NearrankError(
      'USAGE',
      `Cannot use --request-row: ${path} is not a Parquet file and holds a single request`,
    )
  let body: unknown
  try {
    body = parseJson(await readFile(path, 'utf8'))
  } catch (error) {
    throw new NearrankError(
      'INPUT',
      `Cannot use the request ${path}: it is neither Parquet nor JSON (${messageOf(error)})`,
      { cause: error },
    )
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new NearrankError('INPUT', `Cannot use the request ${path}: it must be a JSON object`)
  return { ...body }
}

async function readParquetRow(path: string, row: number, model: string): Promise<Body> {
  const { readRequests } = await import('../dataset/requests.ts')
  const { features } = await loadModelDescription(model)
  const [found] = await readRequests(path, {
    offset: row,
    limit: 1,
    context: toldFeatures(features?.context ?? []),
  })
  if (!found)
    throw new NearrankError(
      'INPUT',
      `Cannot use row ${row} of ${path}: it has fewer rows (they count from 0)`,
    )
  return {
    user_id: found.userId,
    candidate_restaurant_ids: found.candidateRestaurantIds?.map(requestId),
    latitude: found.latitude,
    longitude: found.longitude,
    size: found.size,
    max_dist: found.maxDist,
    sort_dist: found.sortDist,
    ...(found.context && { context: found.context }),
  }
}

/** Whether the file begins as Parquet files do. */
async function isParquet(path: string): Promise<boolean> {
  try {
    const { size } = await stat(path)
    const file = await open(path)
    try {
      const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
      if (buffer.toString('latin1') === 'PAR1') return true
    } finally {
      await file.close()
    }
    if (size > REQUEST_BYTES_MAX)
      throw new NearrankError(
        'INPUT',
        `Cannot use the request ${path}: a JSON body has at most ${REQUEST_BYTES_MAX} bytes, found ${size}`,
      )
    return false
  } catch (error) {
    if (error instanceof NearrankError) throw error
    throw new NearrankError('INPUT', `Cannot read the request ${path}: ${messageOf(error)}`, { cause: error })
  }
}

function missing(what: string): NearrankError {
  return new NearrankError('USAGE', `Cannot recommend: ${what} is missing. See nearrank recommend --help`)
}
