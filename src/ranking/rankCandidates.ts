import { NearrankError } from '../errors.ts'
import { distancesInto } from '../geo/greatCircle.ts'
import { topKInto } from './topK.ts'

/** What to rank for whom. */
export interface RankRequest {
  candidateRows: Uint32Array | readonly number[] // restaurants by row; twice the same counts once
  latitude: number // of the user, degrees
  longitude: number
  size?: number // how many to return at most, @default 20
  maxDistM?: number // great-circle metres; farther ones are left out, @default 5000
  sortByDistance?: boolean // true: nearest first; false: highest score first, @default false
}

export const DEFAULT_SIZE = 20
export const DEFAULT_MAX_DIST_M = 5000

/** One restaurant of a ranked list. */
export interface RankedRow {
  row: number
  logit: number
  distanceM: number
}

/** What ranking needs to know of the restaurants. */
export interface RankingSource {
  vectors: Float64Array // [restaurants, 3], of geo's unitVectors
  /** Writes the logits of the first `count` rows. */
  scoreInto: (logits: Float64Array, rows: Uint32Array, count: number) => void
}

/**
 * The ranked list: candidates within reach, best first, equal ones by row; with `sortByDistance` the nearest ones, nearest
 * first. Scores only what is within reach.
 * @throws NearrankError INPUT for a request out of its bounds, NOT_FINITE for a score that is no number.
 */
export function rankCandidates(request: RankRequest, source: RankingSource): RankedRow[] {
  const { size = DEFAULT_SIZE, maxDistM = DEFAULT_MAX_DIST_M, sortByDistance = false } = request
  checkRequest(request, size, maxDistM)
  const rows = distinctRows(request.candidateRows, source.vectors.length / 3)
  const distancesM = new Float64Array(rows.length)
  distancesInto(distancesM, source.vectors, rows, rows.length, request)
  const near = keepNear(rows, distancesM, maxDistM)
  const logits = new Float64Array(near)
  source.scoreInto(logits, rows, near)
  for (let i = 0; i < near; i++) if (!Number.isFinite(logits[i])) throw scoreNotFinite(rows[i], logits[i])
  const keys = sortByDistance ? distancesM : logits.map((logit) => -logit)
  const order = new Uint32Array(Math.min(size, near))
  topKInto(order, keys, rows, near, size)
  return Array.from(order, (i) => ({ row: rows[i], logit: logits[i], distanceM: distancesM[i] }))
}

function distinctRows(candidates: Uint32Array | readonly number[], rowsEnd: number): Uint32Array {
  for (const row of candidates)
    if (!Number.isInteger(row) || row < 0 || row >= rowsEnd)
      throw wrong('candidateRows', `rows of restaurants, 0 … ${rowsEnd - 1}`, row)
  const rows = Uint32Array.from(candidates).toSorted()
  let distinct = 0
  for (const row of rows) if (distinct === 0 || rows[distinct - 1] !== row) rows[distinct++] = row
  return rows.subarray(0, distinct)
}

/** Moves the rows within reach, and their distances, to the front; returns how many they are. */
function keepNear(rows: Uint32Array, distancesM: Float64Array, maxDistM: number): number {
  let near = 0
  for (let i = 0; i < rows.length; i++) {
    if (!(distancesM[i] <= maxDistM)) continue
    rows[near] = rows[i]
    distancesM[near++] = distancesM[i]
  }
  return near
}

function checkRequest({ latitude, longitude }: RankRequest, size: number, maxDistM: number): void {
  if (!(Math.abs(latitude) <= 90)) throw wrong('latitude', 'degrees from −90 to 90', latitude)
  if (!(Math.abs(longitude) <= 180)) throw wrong('longitude', 'degrees from −180 to 180', longitude)
  if (!Number.isInteger(size) || size < 1) throw wrong('size', 'an integer from 1', size)
  if (!(maxDistM >= 0)) throw wrong('maxDistM', 'metres, 0 or more', maxDistM)
}

function wrong(what: string, wanted: string, found: number): NearrankError {
  return new NearrankError('INPUT', `Cannot rank: ${what} must be ${wanted}, found ${found}`)
}

function scoreNotFinite(row: number, logit: number): NearrankError {
  return new NearrankError(
    'NOT_FINITE',
    `Cannot rank: every score must be a finite number, restaurant row ${row} has ${logit}; ` +
      'check the features of that restaurant and of the user',
  )
}
