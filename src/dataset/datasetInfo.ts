import { fits, misfits, type Static, Type } from '../schema.ts'
import { join } from 'node:path'
import { NearrankError, messageOf } from '../errors.ts'
import { isMissing } from '../files.ts'
import { readSmallText } from './pack/packManifest.ts'

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Share = Type.Number({ minimum: 0, maximum: 1 })
const Features = Type.Array(Type.String(), { minItems: 1 })

const COMMON = {
  format: Type.Literal(1),
  generator: Type.Literal('nearrank'),
  generatorVersion: Count, // goes up when the same seed makes other bytes
  seed: Count,
  rows: Count,
  testRows: Count,
  users: Count,
  restaurants: Count,
  requests: Count,
  candidates: Count,
  files: Count,
  testFiles: Count,
  userFeatures: Features,
  restaurantFeatures: Features,
  clickRate: Share, // of the training rows
  testClickRate: Type.Union([Share, Type.Null()]),
  bayesAccuracy: Type.Union([Share, Type.Null()]), // expected over the test rows; null without any
  bayesLogLoss: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
}

const CeilingSchema = Type.Object(
  {
    accuracy: Share,
    auc: Type.Union([Share, Type.Null()]),
    logLoss: Type.Number({ minimum: 0 }),
    ndcg10: Type.Optional(Type.Union([Share, Type.Null()])),
  },
  { additionalProperties: false },
)

const CeilingsSchema = Type.Object(
  {
    all: CeilingSchema, // of one who knows every probability
    drawn: CeilingSchema, // of the same one, on the clicks that were drawn
    without: Type.Record(Type.String(), CeilingSchema), // by kind of feature
  },
  { additionalProperties: false },
)

const ReferenceInfoSchema = Type.Object(COMMON, { additionalProperties: false })
const RealisticInfoSchema = Type.Object(
  {
    kind: Type.Literal('realistic'),
    ...COMMON,
    shown: Type.Optional(Type.Enum(['random', 'popular'])),
    ceilings: Type.Union([CeilingsSchema, Type.Null()]),
  },
  { additionalProperties: false },
)

/** The best possible on the test rows: expected, and what is left of it without each kind of feature. */
export type Ceilings = Static<typeof CeilingsSchema>

/** What the generator knows of the data it made: `dataset.json` beside it. */
export type DatasetInfo = Static<typeof ReferenceInfoSchema> | Static<typeof RealisticInfoSchema>

export const DATASET_FILE = 'dataset.json'
const BYTES_MAX = 2 ** 20

/**
 * Undefined for data that was not generated here, even if it has a `dataset.json` of another's.
 * @throws NearrankError INPUT when that file is ours and damaged, or cannot be read.
 */
export async function readDatasetInfo(data: string): Promise<DatasetInfo | undefined> {
  const path = join(data, DATASET_FILE)
  try {
    const value: unknown = JSON.parse(await readSmallText(path, BYTES_MAX))
    if (!isOurs(value)) return undefined
    const schema = 'kind' in value ? RealisticInfoSchema : ReferenceInfoSchema
    if (fits(schema, value)) return value
    const [problem] = misfits(schema, value)
    throw new Error(`${problem?.instancePath || 'the value'} ${problem?.message}`)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new NearrankError(
      'INPUT',
      `Cannot use ${path}: it is not what nearrank generate writes (${messageOf(error)}); remove it, or generate the data again`,
      { cause: error },
    )
  }
}

function isOurs(value: unknown): value is object {
  return (value as { generator?: unknown } | null)?.generator === 'nearrank'
}
