import { type TObject, type TSchema, Type } from '../../schema.ts'
import type { Side } from '../../features/featureSpec.ts'
import { isOwnId } from '../../features/featureSpec.ts'
import { textOfValue } from '../../features/values.ts'
import { FLOAT32_BOUND, shortestFloat32 } from '../../features/featureValues.ts'
import { listed, type RawRow, rowProblem, rowText, valueOf } from '../../features/rawRow.ts'
import { type FeatureId, ID_CHARS_MAX, idJson } from '../../ids.ts'
import { shown } from '../../shown.ts'
import type { FeatureRow, SideLayout, Values, Vector } from '../../store/featureStore.ts'
import type { FeatureService } from '../services.ts'
import { checkOf, type Check } from './bodyCheck.ts'
import { featuresRef } from './featureDocs.ts'

const STRICT = { additionalProperties: false }

const vectorSchema = (count: number) =>
  Type.Array(
    Type.Number({
      exclusiveMinimum: -FLOAT32_BOUND,
      exclusiveMaximum: FLOAT32_BOUND,
      description: 'a number within the range of a 32-bit float',
    }),
    { minItems: count, maxItems: count, description: `a list of ${count} numbers` },
  )
const namedSchema = () =>
  Type.Record(Type.String(), Type.Unknown(), {
    description: 'an object with values by the names of the features',
  })
const latitudeDegrees = () =>
  Type.Number({ minimum: -90, maximum: 90, description: 'degrees, a number from -90 to 90' })
const longitudeDegrees = () =>
  Type.Number({ minimum: -180, maximum: 180, description: 'degrees, a number from -180 to 180' })
const id = () =>
  Type.Union(
    [
      Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
      Type.String({ minLength: 1, maxLength: ID_CHARS_MAX }),
    ],
    {
      description: `an integer within ±(2^53 − 1), or a string of 1 to ${ID_CHARS_MAX} characters (larger integers too)`,
    },
  )
/** Of an answer: all of an integer's digits are written. */
const answeredId = () =>
  Type.Union([Type.Integer({ format: 'int64' }), Type.String({ minLength: 1, maxLength: ID_CHARS_MAX })], {
    description: `an integer of 64 bits, with all of its digits, or a string of 1 to ${ID_CHARS_MAX} characters`,
  })
const deleted = () => Type.Literal(true, { description: 'true' })

/** A checked body. */
export interface RowBody {
  features: number[] | RawRow
  latitude: number // of a restaurant
  longitude: number
}

/** What bodies, answers and lines of a bulk load hold for one side. */
export interface SideBodies {
  body: TObject // schemas, as the documentation shows them
  answer: TObject // with the id
  line: TObject // of a bulk load, with the id
  deletion: TObject
  checkBody: Check
  checkLine: Check
  checkDeletion: Check
  /** What is wrong with a checked body for a row with this id; undefined: nothing. */
  idProblem: (id: FeatureId, body: RowBody) => string | undefined
  /** The row that a checked body tells. */
  rowOf: (id: FeatureId, body: RowBody) => FeatureRow
}

/**
 * A side of vectors takes lists and, if it knows the names of its features, objects with all of them; a side
 * of values takes objects, and checks them by the features of the model that is served.
 */
export function sideBodies(
  side: Side,
  service: Pick<FeatureService, 'layout' | 'problem' | 'features'>,
): SideBodies {
  const layout = service.layout[side]
  const { features: count, form, names } = layout
  const name = side === 'users' ? 'user_id' : 'restaurant_id'
  const idField = { [name]: id() }
  const place = side === 'users' ? {} : { latitude: latitudeDegrees(), longitude: longitudeDegrees() }
  const body = (features: TSchema) => Type.Object({ features, ...place }, STRICT)
  const line = (features: TSchema) => Type.Object({ ...idField, features, ...place }, STRICT)
  const deletion = Type.Object({ ...idField, deleted: deleted() }, STRICT)

  const known = new Set(names)
  const checkNamed: Check = (features) =>
    rowProblem(features, known) ??
    (form === 'values'
      ? service.problem(side, features as RawRow)
      : numbersProblem(features as RawRow, names ?? []))
  const checkOfForms = (schema: (features: TSchema) => TObject): Check => {
    const checkVector = checkOf(schema(vectorSchema(count)))
    const checkObject = checkOf(schema(namedSchema()))
    return (value) =>
      form === 'values' || (names && isNamed(value))
        ? (checkObject(value) ?? checkNamed((value as RowBody).features))
        : checkVector(value)
  }
  const shownFeatures = form === 'values' ? featuresRef(side) : vectorDocs(layout)
  return {
    body: body(shownFeatures),
    answer: Type.Object({ [name]: answeredId(), features: shownFeatures, ...place }, STRICT),
    line: line(shownFeatures),
    deletion,
    checkBody: checkOfForms(body),
    checkLine: checkOfForms(line),
    checkDeletion: checkOf(deletion),
    idProblem: (rowId, { features }) => {
      const own = form === 'values' ? service.features()[side].find(isOwnId)?.name : undefined
      const found = own === undefined ? undefined : valueOf(features as RawRow, own)
      if (found === undefined || found === null || textOfValue(found) === String(rowId)) return undefined
      return `feature ${own} must be the row's own id, ${shown(rowId)}, or be left out, found ${shown(found)}`
    },
    rowOf: (rowId, { features, latitude, longitude }) => {
      const own = featuresOf(features, layout)
      return side === 'users' ? { side, id: rowId, ...own } : { side, id: rowId, ...own, latitude, longitude }
    },
  }
}

/**
 * A row as a line of JSON, in the form that a bulk load takes except
 * for integer ids beyond 2^53, which stand as digits.
 */
export function rowJson(row: FeatureRow): string {
  const features =
    'values' in row ? rowText(row.values) : JSON.stringify(Array.from(row.features, shortestFloat32))
  if (row.side === 'users') return `{"user_id":${idJson(row.id)},"features":${features}}`
  const place = `"latitude":${row.latitude},"longitude":${row.longitude}`
  return `{"restaurant_id":${idJson(row.id)},"features":${features},${place}}`
}

function vectorDocs({ features, names }: SideLayout): TSchema {
  const vector = vectorSchema(features)
  if (!names) return vector
  const { items } = vector
  const byName = Type.Object(Object.fromEntries(names.map((name) => [name, items])), {
    ...STRICT,
    description: 'the same numbers by the names of the features',
  })
  return Type.Union([vector, byName])
}

function featuresOf(features: number[] | RawRow, { form, names = [] }: SideLayout): Vector | Values {
  if (Array.isArray(features)) return { features: Float32Array.from(features) }
  if (form === 'values') return { values: features }
  return { features: Float32Array.from(names, (name) => Number(valueOf(features, name))) }
}

/** What is wrong with the numbers of a vector that are told by name. */
function numbersProblem(row: RawRow, names: readonly string[]): string | undefined {
  const missing = names.filter((name) => valueOf(row, name) === undefined)
  if (missing.length > 0)
    return `features must be all of ${listed(names)}, without ${listed(missing)} they are not complete`
  const wrong = names.find((name) => {
    const value = valueOf(row, name)
    return typeof value !== 'number' || Math.abs(value) >= FLOAT32_BOUND
  })
  return wrong === undefined
    ? undefined
    : `feature ${wrong} must be a number within the range of a 32-bit float, found ${shown(valueOf(row, wrong))}`
}

/** Whether the features of a body are an object. */
function isNamed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  const { features } = body as { features?: unknown }
  return typeof features === 'object' && features !== null && !Array.isArray(features)
}
