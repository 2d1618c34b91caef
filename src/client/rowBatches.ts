import type { FeatureRow, Features, FeatureValues, RestaurantFeatures } from './types.ts'
import { wireId } from './wireJson.ts'

/** Consecutive rows as one NDJSON body. */
export interface RowBatch {
  body: string
  rowStart: number // of the first row, counted from 0
  rowEnd: number // exclusive
}

const BATCH_CHARS_MAX = 500_000 // about 800 rows of 30 features, far below the server's limit of a body

/**
 * The rows in bodies of at most 500,000 characters; a longer row has one of its own. @throws TypeError naming
 * the row that cannot be sent.
 */
export async function* rowBatches(
  rows: Iterable<FeatureRow> | AsyncIterable<FeatureRow>,
): AsyncGenerator<RowBatch> {
  let body = ''
  let rowStart = 0
  let rowEnd = 0
  for await (const row of rows) {
    const line = rowLine(row, rowEnd)
    if (body !== '' && body.length + line.length > BATCH_CHARS_MAX) {
      yield { body, rowStart, rowEnd }
      body = ''
      rowStart = rowEnd
    }
    body += line
    rowEnd++
  }
  if (body !== '') yield { body, rowStart, rowEnd }
}

/** A user's features as a body. @throws TypeError for a feature that is not finite. */
export function userBody(features: Features): { features: number[] | FeatureValues } {
  return { features: isList(features) ? finiteNumbers(features) : finiteValues(features) }
}

/** A restaurant's features and place as a body. @throws TypeError for a number that is not finite. */
export function restaurantBody({ features, latitude, longitude }: RestaurantFeatures) {
  finiteNumbers([latitude, longitude], 'latitude and longitude')
  return { ...userBody(features), latitude, longitude }
}

function rowLine(row: FeatureRow, position: number): string {
  try {
    const id = 'userId' in row ? { user_id: wireId(row.userId) } : { restaurant_id: wireId(row.restaurantId) }
    if ('deleted' in row) return `${JSON.stringify({ ...id, deleted: true })}\n`
    const body = 'userId' in row ? userBody(row.features) : restaurantBody(row)
    return `${JSON.stringify({ ...id, ...body })}\n`
  } catch (error) {
    throw new TypeError(
      `Cannot put row ${position}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
}

/** A feature may be called `length`, and then it is no list. */
function isList(features: Features): features is ArrayLike<number> {
  return Array.isArray(features) || ArrayBuffer.isView(features)
}

export function finiteValues(values: FeatureValues): FeatureValues {
  for (const [name, value] of Object.entries(values)) {
    const numbers = [value].flat().filter((item) => typeof item === 'number')
    const wrong = numbers.find((number) => !Number.isFinite(number))
    if (wrong !== undefined) throw new TypeError(`feature ${name} must be finite, found ${wrong}`)
  }
  return values
}

/** JSON would turn NaN and infinity into null. */
function finiteNumbers(values: ArrayLike<number>, name = 'features'): number[] {
  const numbers = Array.from(values)
  const wrong = numbers.findIndex((number) => !Number.isFinite(number))
  if (wrong !== -1)
    throw new TypeError(
      `${name} must be finite numbers, found ${String(numbers[wrong])} at position ${wrong}`,
    )
  return numbers
}
