import { Type } from '../schema.ts'
import { NearrankError } from '../errors.ts'
import { schemaProblem } from '../json/schemaProblem.ts'
import { nearest } from '../options/nearest.ts'
import { shown } from '../shown.ts'
import { type DeclaredFeature, NAME_CHARS_MAX } from './declared.ts'
import { type Operands, type PairFeature, type Source, TIME_PARTS } from './featureSpec.ts'
import { CellSizes, Clip, FOLDS_MAX, Scale, Zone } from './featureSchema.ts'
import { VOCABULARY_MAX } from './fit.ts'

const closed = { additionalProperties: false }
const VALUES_BOUND = 1024
const FLOAT32_MAX = 3.4e38
const Count = Type.Integer({ minimum: 1, maximum: VOCABULARY_MAX })
const Dim = Type.Integer({ minimum: 4, maximum: 256, multipleOf: 4 })
const MaxValues = Type.Integer({ minimum: 1, maximum: VALUES_BOUND })
const Name = Type.String({ minLength: 1, maxLength: 1000 })

const vocabulary = {
  dim: Type.Optional(Type.Union([Type.Literal(0), Dim])),
  minCount: Type.Optional(Count),
  maxSize: Type.Optional(Count),
  buckets: Type.Optional(Count),
}

/** Features of the sources that a pair is made of. */
const operands = { user: Type.Optional(Name), restaurant: Type.Optional(Name), context: Type.Optional(Name) }

/** What may be said of a feature, by its kind. */
const OPTIONS = {
  number: {
    clip: Type.Optional(Clip),
    scale: Type.Optional(Scale),
    missing: Type.Optional(Type.Number({ minimum: -FLOAT32_MAX, maximum: FLOAT32_MAX })),
  },
  category: vocabulary,
  categories: { ...vocabulary, maxValues: Type.Optional(MaxValues) },
  text: { dim: Type.Optional(Dim), buckets: Type.Optional(Count), maxValues: Type.Optional(MaxValues) },
  vector: {},
  time: {
    dim: Type.Optional(Dim),
    parts: Type.Optional(
      Type.Array(Type.Union(TIME_PARTS.map((part) => Type.Literal(part))), {
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    zone: Type.Optional(Zone),
  },
  cell: {
    latitude: Type.Optional(Name),
    longitude: Type.Optional(Name),
    sizesM: Type.Optional(CellSizes),
    buckets: Type.Optional(Count),
    dim: Type.Optional(Dim),
  },
  distance: { dim: Type.Optional(Dim) },
  overlap: operands,
  difference: operands,
  cross: {
    ...operands,
    dim: Type.Optional(Dim),
    buckets: Type.Optional(Count),
    maxValues: Type.Optional(MaxValues),
  },
  rate: {
    ...operands,
    buckets: Type.Optional(Count),
    prior: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e9 })),
    folds: Type.Optional(Type.Integer({ minimum: 2, maximum: FOLDS_MAX })),
  },
} as const

type Kind = keyof typeof OPTIONS

const KINDS = Object.keys(OPTIONS) as Kind[]
const PAIR_KINDS = new Set<Kind>(['distance', 'overlap', 'difference', 'cross', 'rate'])
const SOURCE_OF: Record<string, Source> = {
  user: 'users',
  restaurant: 'restaurants',
  context: 'context',
  pair: 'pairs',
}

/** One feature as it is declared; false: the column is none. */
export type DeclaredEntry = false | ({ kind: Kind } & Record<string, unknown>)

/** Features by source and name: `user.age`, `restaurant.cuisines`, `context.device`, `pair.distance`. */
export type Declaration = Readonly<Record<string, DeclaredEntry>>

/** Of one source, by the names of the columns. */
export type SourceDeclaration = ReadonlyMap<string, DeclaredEntry>

export const DeclarationSchema = Type.Unsafe<Declaration>(
  Type.Record(Type.String(), Type.Union([Type.Literal(false), Type.Object({})]), {
    description: 'an object such as { "user.age": { "kind": "number" } }',
  }),
)

/**
 * The declarations of one source, checked completely.
 * @throws NearrankError USAGE naming the feature, what is wanted, what was found.
 */
export function declaredOf(declaration: Declaration | undefined, source: Source): SourceDeclaration {
  const found = new Map<string, DeclaredEntry>()
  for (const [key, entry] of Object.entries(declaration ?? {})) {
    const dot = key.indexOf('.')
    const prefix = key.slice(0, dot)
    if (dot < 1 || dot === key.length - 1 || !Object.hasOwn(SOURCE_OF, prefix)) throw unknownSource(key)
    if (key.length - dot - 1 > NAME_CHARS_MAX) throw tooLong(key)
    checkEntry(key, SOURCE_OF[prefix], entry)
    if (SOURCE_OF[prefix] === source) found.set(key.slice(dot + 1), entry)
  }
  return found
}

type PlaceEntry = DeclaredFeature & { latitude?: string; longitude?: string }

/** What is declared of a column, as one that is not declared is inferred. */
export function declaredFeature(name: string, entry: Exclude<DeclaredEntry, false>): DeclaredFeature {
  const { latitude, longitude, ...own } = { ...entry, name } as PlaceEntry
  if (latitude === undefined || longitude === undefined) return own
  return { ...own, columns: [latitude, longitude] }
}

/** The features that are declared. */
export function declaredFeatures(declared: SourceDeclaration): DeclaredFeature[] {
  return Array.from(declared).flatMap(([name, entry]) => (entry ? [declaredFeature(name, entry)] : []))
}

/** A pair as it is declared. */
export interface DeclaredPair extends Operands {
  name: string
  kind: PairFeature['kind']
  dim?: number
  buckets?: number
  maxValues?: number
  prior?: number
  folds?: number
}

/** What is declared of a pair. */
export function declaredPair(name: string, entry: Exclude<DeclaredEntry, false>): DeclaredPair {
  return { ...entry, name } as DeclaredPair
}

function checkEntry(key: string, source: Source, entry: unknown): void {
  const wrong = (problem: string) => new NearrankError('USAGE', `Cannot use the feature ${key}: ${problem}`)
  if (entry === false) return
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw wrong(`it must be false or an object such as { "kind": "category" }, found ${shown(entry)}`)
  const { kind } = entry as { kind?: unknown }
  const kinds = KINDS.filter((one) => PAIR_KINDS.has(one) === (source === 'pairs'))
  if (!kinds.some((one) => one === kind)) {
    const guess = typeof kind === 'string' ? nearest(kind, kinds) : undefined
    throw wrong(
      `its kind must be one of ${kinds.join(', ')}, found ${shown(kind)}${guess ? `; did you mean ${guess}?` : ''}`,
    )
  }
  const schema = Type.Object({ kind: Type.Literal(kind as Kind), ...OPTIONS[kind as Kind] }, closed)
  const problem = schemaProblem(schema, entry)
  if (problem !== undefined) throw wrong(problem)
  if ('clip' in entry && Array.isArray(entry.clip) && !(entry.clip[0] < entry.clip[1]))
    throw wrong(`clip must be a lower and an upper bound, found ${JSON.stringify(entry.clip)}`)
  if ('latitude' in entry !== 'longitude' in entry)
    throw wrong('latitude and longitude must both be given, or neither')
}

function tooLong(key: string): NearrankError {
  return new NearrankError(
    'USAGE',
    `Cannot use the feature ${key.slice(0, 40)}…: its name must have at most ${NAME_CHARS_MAX} characters, found ${key.length - key.indexOf('.') - 1}`,
  )
}

function unknownSource(key: string): NearrankError {
  const sources = Object.keys(SOURCE_OF)
  const guess = nearest(key.split('.')[0], sources)
  return new NearrankError(
    'USAGE',
    `Cannot use the feature ${shown(key)}: its name must begin with ${sources.join('., ')}. and tell a column${
      guess && key.includes('.') ? `; did you mean ${guess}.${key.slice(key.indexOf('.') + 1)}?` : ''
    }`,
  )
}
