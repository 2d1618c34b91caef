import { createHash } from 'node:crypto'
import { type Static, Type } from '../schema.ts'
import { messageOf, NearrankError } from '../errors.ts'
import { duplicateKey } from '../json/duplicateKey.ts'
import { featureProblem, FeatureSchema, PairSchema } from '../features/featureSchema.ts'
import { namesOf, SIDES, SINGULAR } from '../features/featureSpec.ts'
import { pairsProblem } from '../features/pairs/pairsFor.ts'
import { modelFeatures } from './modelFeatures.ts'
import { checkNetwork, inputsOf } from './network.ts'
import { schemaProblem } from '../json/schemaProblem.ts'

/** 1: all features are plain numbers, and the file is as version 0.1 wrote it. 2: they are listed, fitted. */
export const FORMAT_VERSION = 2
export const MODEL_FILE = 'model.json'
export const WEIGHTS_FILE = 'weights.safetensors'
export const ONNX_FILE = 'model.onnx'
export const REPORT_FILE = 'report.md'
export const PAGE_FILE = 'report.html'

const closed = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: 1000 })
const Names = Type.Array(Name, { minItems: 1, maxItems: 4096 })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Measure = Type.Union([Type.Null(), Type.Number()])
/** What belongs to the trainer: kept as it is, checked by who reads it. */
const Opaque = Type.Unsafe<object>(Type.Record(Type.String(), Type.Unknown()))
const OpaqueList = Type.Unsafe<object[]>(Type.Array(Type.Record(Type.String(), Type.Unknown())))

const EmbeddingTable = Type.Object(
  {
    name: Name, // `user.gender`, and of one part of a time `user.joined.hour`
    side: Type.Union([
      Type.Literal('users'),
      Type.Literal('restaurants'),
      Type.Literal('context'),
      Type.Literal('pairs'),
    ]),
    codes: Type.Integer({ minimum: 2 }),
    dim: Type.Integer({ minimum: 0, multipleOf: 4 }),
    slots: Type.Integer({ minimum: 1 }),
    direct: Type.Optional(Type.Literal(true)),
    additive: Type.Optional(Type.Literal(true)),
  },
  closed,
)

const Features = Type.Array(FeatureSchema, { minItems: 1, maxItems: 4096 })

const Network = Type.Object(
  {
    userFeatures: Type.Integer({ minimum: 0 }),
    restaurantFeatures: Type.Integer({ minimum: 0 }),
    contextFeatures: Type.Optional(Type.Integer({ minimum: 0 })),
    pairFeatures: Type.Optional(Type.Integer({ minimum: 1 })),
    embeddings: Type.Optional(Type.Array(EmbeddingTable, { minItems: 1, maxItems: 16_384 })),
    hidden: Type.Array(Type.Integer({ minimum: 1 })),
    activations: Type.Array(Type.Union([Type.Literal('none'), Type.Literal('relu')])),
  },
  closed,
)

const Columns = Type.Object(
  {
    userId: Name,
    restaurantId: Name,
    click: Name,
    latitude: Name,
    longitude: Name,
    group: Type.Optional(Name), // of what was shown together; absent: nothing was
    userFeatures: Names, // in the order of the network's inputs
    restaurantFeatures: Names,
  },
  closed,
)

// Further measures may be added without a new format version, so long as each is a number or null.
const Metrics = Type.Object(
  {
    rows: Count,
    accuracy: Type.Number(),
    auc: Measure,
    logLoss: Type.Number(),
    normalizedEntropy: Measure,
    calibrationError: Type.Number(),
    ndcg10: Measure,
    clickRate: Type.Number(),
    majorityAccuracy: Type.Number(),
  },
  { additionalProperties: Measure },
)

/** What the maker of a model tells about it. */
const content = {
  createdBy: Type.Object({ name: Type.Literal('nearrank'), version: Name }, closed),
  columns: Columns,
  network: Network,
  // format 2
  features: Type.Optional(
    Type.Object(
      {
        users: Features,
        restaurants: Features,
        context: Type.Optional(Features),
        pairs: Type.Optional(Type.Array(PairSchema, { minItems: 1, maxItems: 4096 })),
      },
      closed,
    ),
  ),
  // absent: scores are probabilities; order: only their order means anything
  scores: Type.Optional(Type.Literal('order')),
  preset: Name,
  settings: Opaque,
  simd: Type.Union([Type.Literal('relaxed'), Type.Literal('strict')]),
  dataFingerprint: Name,
  metrics: Type.Union([Type.Null(), Metrics]), // on the test set; null: there was none
  epochs: OpaqueList,
  ledger: OpaqueList,
  constraints: OpaqueList,
  training: Opaque, // times, memory, threads: how the run went
}

/** What saving adds: checksums. The file names are fixed, so that a description can name no other file. */
const seals = {
  weights: Type.Object({ file: Type.Literal(WEIGHTS_FILE), sha256: Sha256, bytes: Count }, closed),
  onnx: Type.Object({ file: Type.Literal(ONNX_FILE), sha256: Sha256, bytes: Count }, closed),
}

const ModelDescriptionSchema = Type.Object(
  { formatVersion: Type.Integer({ minimum: 1, maximum: FORMAT_VERSION }), ...content, ...seals },
  closed,
)
const ModelContentSchema = Type.Object(content, closed)

export type ModelDescription = Static<typeof ModelDescriptionSchema>
export type ModelContent = Static<typeof ModelContentSchema>

/**
 * The text of model.json: `description` and a checksum of it. NaN and infinity become null.
 * @throws NearrankError INTERNAL where the description is not one.
 */
export function formatModelFile(description: ModelDescription): string {
  const plain: unknown = JSON.parse(JSON.stringify(description))
  const problem = schemaProblem(ModelDescriptionSchema, plain) ?? contradiction(plain as ModelDescription)
  if (problem !== undefined)
    throw new NearrankError('INTERNAL', `Cannot describe the model in ${MODEL_FILE}: ${problem}`)
  return `${JSON.stringify({ ...(plain as ModelDescription), checksum: checksumOf(plain) }, null, 2)}\n`
}

/**
 * The description in the text of a model.json, checked completely; its layout may have been changed, its
 * content not.
 * @throws NearrankError INPUT where a newer Nearrank wrote it, DAMAGED where anything else is wrong.
 */
export function parseModelFile(text: string, options: { where: string }): ModelDescription {
  const { where } = options
  const damaged = (problem: string, cause?: unknown) =>
    new NearrankError(
      'DAMAGED',
      `Cannot read ${where}: ${problem}. The file is damaged or was changed; restore it from a copy or train again`,
      { cause },
    )
  let whole: unknown
  try {
    whole = JSON.parse(text)
  } catch (error) {
    throw damaged(`it is not valid JSON (${messageOf(error)})`, error)
  }
  const twice = duplicateKey(text)
  if (twice !== undefined) throw damaged(`key ${twice} appears twice in one object`)
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole))
    throw damaged('it must be a JSON object, found something else')

  const { checksum, ...description } = whole as Record<string, unknown>
  const { formatVersion } = description
  if (typeof formatVersion === 'number' && Number.isInteger(formatVersion) && formatVersion > FORMAT_VERSION)
    throw new NearrankError(
      'INPUT',
      `Cannot read ${where}: the format version must be 1 or ${FORMAT_VERSION}, found ${formatVersion}; a newer Nearrank wrote it, so upgrade to read it`,
    )
  const problem = schemaProblem(ModelDescriptionSchema, description)
  if (problem !== undefined) throw damaged(problem)
  if (checksum !== checksumOf(description)) throw damaged('its content does not match its checksum')
  const told = contradiction(description as ModelDescription)
  if (told !== undefined) throw damaged(told)
  return description as ModelDescription
}

type Inputs = ReturnType<typeof inputsOf>

/** What a schema of single values cannot see. */
function contradiction(description: ModelDescription): string | undefined {
  const { network, columns, features, formatVersion } = description
  try {
    checkNetwork(network)
  } catch (error) {
    return messageOf(error)
  }
  if ((formatVersion === FORMAT_VERSION) !== (features !== undefined))
    return `features must be listed in format ${FORMAT_VERSION}, and only there`
  const fitted = modelFeatures(description)
  for (const side of SIDES) {
    const key = `${SINGULAR[side]}Features` as const
    const names = columns[key]
    if (new Set(names).size !== names.length) return `columns.${key} names a feature twice`
    if (!features && names.length !== network[key])
      return `columns.${key} must name ${network[key]} features, found ${names.length}`
    if (names.join('\n') !== namesOf(fitted[side]).join('\n'))
      return `columns.${key} must name the features of ${side} in their order`
  }
  for (const source of ['users', 'restaurants', 'context'] as const)
    for (const feature of fitted[source] ?? []) {
      const problem = featureProblem(feature)
      if (problem !== undefined) return `features.${source}: ${problem}`
    }
  const pairs = pairsProblem(fitted.pairs ?? [], fitted)
  if (pairs !== undefined) return pairs
  const { hidden: _, activations: __, ...inputs } = network
  if (JSON.stringify(sorted(inputs)) !== JSON.stringify(sorted(inputsOf(fitted))))
    return 'the inputs of the network must be those of the features'
  return undefined
}

/** The same keys in one order, whoever wrote them. */
function sorted(inputs: Inputs) {
  const { userFeatures, restaurantFeatures, contextFeatures, pairFeatures, embeddings = [] } = inputs
  const tables = embeddings.map(({ name, side, codes, dim, slots, direct = false, additive = false }) => {
    return [name, side, codes, dim, slots, direct, additive]
  })
  return [userFeatures, restaurantFeatures, contextFeatures ?? null, pairFeatures ?? null, tables]
}

/** SHA-256 of the content in compact JSON, so that spaces and line ends do not count. */
function checksumOf(description: unknown): string {
  return createHash('sha256').update(JSON.stringify(description)).digest('hex')
}
