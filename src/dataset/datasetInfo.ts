import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { join } from 'node:path'
import { NearrankError, messageOf } from '../errors.ts'
import { isMissing } from '../files.ts'
import { readSmallText } from './pack/packManifest.ts'

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Share = Type.Number({ minimum: 0, maximum: 1 })
const Features = Type.Array(Type.String(), { minItems: 1 })

const DatasetInfoSchema = Type.Object(
  {
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
  },
  { additionalProperties: false },
)

/** What the generator knows of the data it made: `dataset.json` beside it. */
export type DatasetInfo = Static<typeof DatasetInfoSchema>

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
    if (Value.Check(DatasetInfoSchema, value)) return value
    if (!isOurs(value)) return undefined
    const [problem] = Value.Errors(DatasetInfoSchema, value)
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

function isOurs(value: unknown): boolean {
  return (value as { generator?: unknown } | null)?.generator === 'nearrank'
}
