import { Type } from '../schema.ts'
import { VECTOR_MAX } from './declared.ts'
import { type FeatureSpec, OPERANDS, type PairFeature, SCALES, TIME_PARTS } from './featureSpec.ts'
import { FLOAT32_BOUND } from './featureValues.ts'
import { VOCABULARY_MAX } from './fit.ts'
import { FIRST_CODE } from './rowShape.ts'
import { isTimeZone } from './timeZone.ts'

const closed = { additionalProperties: false }
const DIM_BOUND = 256
const VALUES_BOUND = 1024
export const FOLDS_MAX = 100

const Name = Type.String({ minLength: 1, maxLength: 1000 })
const Dim = Type.Integer({ minimum: 4, maximum: DIM_BOUND, multipleOf: 4 })
const DimOrNone = Type.Union([Type.Literal(0), Dim])
const Buckets = Type.Optional(Type.Integer({ minimum: 1, maximum: VOCABULARY_MAX }))
const Values = listOf<string>((value) => typeof value === 'string', 'texts', VOCABULARY_MAX)
const MaxValues = Type.Integer({ minimum: 1, maximum: VALUES_BOUND })
const Missing = Type.Object({ value: Type.Number(), flag: Type.Boolean() }, closed)

/** Metres; at a metre, a cell's number still fits in 32 bits. */
export const CellSizes = Type.Array(Type.Integer({ minimum: 1, maximum: 10_000_000 }), {
  minItems: 1,
  maxItems: 8,
  uniqueItems: true,
})

export const Zone = Type.Refine(
  Type.String({ minLength: 1, maxLength: 100 }),
  isTimeZone,
  () => 'must be a time zone that this Node.js knows, such as Europe/Berlin',
)
export const Clip = Type.Tuple([Type.Number(), Type.Number()])
export const Scale = Type.Union(SCALES.map((scale) => Type.Literal(scale)))

const Feature = Type.Union([
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('number'),
      clip: Type.Optional(Clip),
      scale: Type.Optional(Scale),
      knots: Type.Optional(Type.Array(Type.Number(), { minItems: 2, maxItems: 1024 })),
      missing: Type.Optional(Missing),
    },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('category'),
      id: Type.Optional(Type.Literal(true)),
      position: Type.Optional(Type.Literal(true)),
      values: Values,
      buckets: Buckets,
      dim: DimOrNone,
    },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('categories'),
      values: Values,
      buckets: Buckets,
      dim: DimOrNone,
      maxValues: MaxValues,
    },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('text'),
      buckets: Type.Integer({ minimum: 1, maximum: VOCABULARY_MAX }),
      dim: Dim,
      maxValues: MaxValues,
    },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('vector'),
      length: Type.Integer({ minimum: 1, maximum: VECTOR_MAX }),
      missing: Type.Optional(
        Type.Object(
          { values: Type.Array(Type.Number(), { maxItems: VECTOR_MAX }), flag: Type.Boolean() },
          closed,
        ),
      ),
    },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('time'),
      parts: Type.Array(Type.Union(TIME_PARTS.map((part) => Type.Literal(part))), {
        minItems: 1,
        uniqueItems: true,
      }),
      zone: Type.Optional(Zone),
      dim: Dim,
      missing: Missing,
    },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('cell'),
      place: Type.Optional(Type.Literal(true)),
      columns: Type.Optional(Type.Tuple([Name, Name])),
      sizesM: CellSizes,
      buckets: Type.Integer({ minimum: 1, maximum: VOCABULARY_MAX }),
      dim: Dim,
    },
    closed,
  ),
])

/** A fitted feature, as packs and models hold it. */
export const FeatureSchema = Type.Unsafe<FeatureSpec>(Feature)

const operands = Object.fromEntries(OPERANDS.map((operand) => [operand, Type.Optional(Name)]))
const combination = {
  sizes: Type.Array(Type.Integer({ minimum: 1 }), { maxItems: OPERANDS.length }),
  buckets: Type.Integer({ minimum: 1, maximum: VOCABULARY_MAX + FIRST_CODE }),
}
const Counts = listOf<number>(
  (value) => Number.isInteger(value) && (value as number) >= 0,
  'integers from 0',
  VOCABULARY_MAX + FIRST_CODE,
)

const Pair = Type.Union([
  Type.Object({ name: Name, kind: Type.Literal('distance'), dim: Dim }, closed),
  Type.Object({ name: Name, kind: Type.Literal('overlap'), ...operands }, closed),
  Type.Object({ name: Name, kind: Type.Literal('difference'), ...operands }, closed),
  Type.Object(
    { name: Name, kind: Type.Literal('cross'), ...operands, ...combination, dim: Dim, maxValues: MaxValues },
    closed,
  ),
  Type.Object(
    {
      name: Name,
      kind: Type.Literal('rate'),
      ...operands,
      ...combination,
      prior: Type.Number({ exclusiveMinimum: 0 }),
      folds: Type.Integer({ minimum: 2, maximum: FOLDS_MAX }),
      rows: Counts,
      clicks: Counts,
    },
    closed,
  ),
])

/** A feature of user and restaurant together. */
export const PairSchema = Type.Unsafe<PairFeature>(Pair)

/**
 * An array that is checked by one call: typebox takes about a microsecond for an item, which is seconds for
 * twenty large vocabularies.
 */
function listOf<T>(isItem: (value: unknown) => boolean, items: string, maxItems: number) {
  const check = (value: unknown) => Array.isArray(value) && value.length <= maxItems && value.every(isItem)
  const error = () => `must be an array of at most ${maxItems} ${items}`
  return Type.Unsafe<T[]>(Type.Refine(Type.Unknown(), check, error))
}

/** What a schema of single values cannot see, as a part of a sentence; undefined: nothing. */
export function featureProblem(feature: FeatureSpec): string | undefined {
  const { name, kind } = feature
  if ('values' in feature && new Set(feature.values).size < feature.values.length)
    return `feature ${name} has a value twice`
  if (kind === 'number') {
    const { scale, knots = [] } = feature
    if ((scale === 'rank') !== knots.length > 0)
      return `feature ${name} must have quantiles if its scale is rank, and only then`
    if (knots.some((knot, i) => i > 0 && knot < knots[i - 1]))
      return `feature ${name} must have quantiles in ascending order`
  }
  if (!('missing' in feature) || !feature.missing) return undefined
  const numbers = kind === 'vector' ? feature.missing.values : [feature.missing.value]
  if (kind === 'vector' && numbers.length !== feature.length)
    return `feature ${name} must have ${feature.length} numbers for what is missing, found ${numbers.length}`
  const bad = numbers.find((number) => !(Math.abs(number) < FLOAT32_BOUND))
  if (bad === undefined) return undefined
  return `feature ${name} must have a 32-bit float for what is missing, found ${bad}`
}
