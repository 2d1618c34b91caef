import { Type } from 'typebox'
import { type FeatureSpec, type PairFeature, TIME_PARTS } from './featureSpec.ts'
import { VOCABULARY_MAX } from './fit.ts'

const closed = { additionalProperties: false }
const DIM_BOUND = 256
const VALUES_BOUND = 1024
const NUMBERS_BOUND = 4096

const Name = Type.String({ minLength: 1, maxLength: 1000 })
const Dim = Type.Integer({ minimum: 4, maximum: DIM_BOUND, multipleOf: 4 })
const Values = Type.Array(Type.String(), { maxItems: VOCABULARY_MAX })
const MaxValues = Type.Integer({ minimum: 1, maximum: VALUES_BOUND })
const Missing = Type.Object({ value: Type.Number(), flag: Type.Boolean() }, closed)

const Feature = Type.Union([
  Type.Object({ name: Name, kind: Type.Literal('number'), missing: Type.Optional(Missing) }, closed),
  Type.Object({ name: Name, kind: Type.Literal('category'), values: Values, dim: Dim }, closed),
  Type.Object(
    { name: Name, kind: Type.Literal('categories'), values: Values, dim: Dim, maxValues: MaxValues },
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
      length: Type.Integer({ minimum: 1, maximum: NUMBERS_BOUND }),
      missing: Type.Optional(
        Type.Object(
          { values: Type.Array(Type.Number(), { maxItems: NUMBERS_BOUND }), flag: Type.Boolean() },
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
      dim: Dim,
      missing: Missing,
    },
    closed,
  ),
])

/** A fitted feature, as packs and models hold it. */
export const FeatureSchema = Type.Unsafe<FeatureSpec>(Feature)

const Pair = Type.Union([
  Type.Object({ name: Name, kind: Type.Literal('distance'), dim: Dim }, closed),
  Type.Object({ name: Name, kind: Type.Literal('overlap'), user: Name, restaurant: Name }, closed),
])

/** A feature of user and restaurant together. */
export const PairSchema = Type.Unsafe<PairFeature>(Pair)
