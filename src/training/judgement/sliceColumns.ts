import { blockRows, type ClickRows, rowBytes } from '../../dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { NearrankError } from '../../errors.ts'
import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import { FIRST_CODE, MISSING_CODE, rowShape, UNSEEN_CODE } from '../../features/rowShape.ts'
import type { CrewLead } from '../crew/crewLead.ts'

/** Values of a slice that stand by themselves; the rows of all others are together. */
const VALUES_MAX = 10
const DISTINCT_MAX = 10_000
const FLOAT32_DIGITS = 7

/** Where the feature of a slice may come from; a name without a prefix is looked for in this order. */
export const SLICE_SOURCES = ['context', 'users', 'restaurants'] as const
export type SliceSource = (typeof SLICE_SOURCES)[number]

export const SLICE_PREFIXES = { users: 'user.', restaurants: 'restaurant.', context: 'context.' } as const

/** What the rows of a part of a slice have in common. */
export interface SliceValue {
  is: 'value' | 'missing' | 'unseen' | 'others' // unseen in training
  value: string | null // null: it is none
}

/** A feature by the values of which the rows are parted. */
export interface SliceColumn {
  name: string
  values: SliceValue[]
  /** Writes the number of the value of each of the first `count` rows. */
  placesInto(to: Uint8Array, rows: ClickRows, count: number): void
}

/** Where a feature's words lie. */
interface Found {
  feature: FeatureSpec
  source: SliceSource
  word: number // of an encoded row
}

type KeyOf = (rows: ClickRows, row: number) => number

const MISSING_NUMBER = Number.POSITIVE_INFINITY // no feature is

/** The values of each slice, most frequent first: a pass over the rows. @throws NearrankError INPUT */
export async function sliceColumns(
  names: readonly string[],
  lead: CrewLead,
  pack: PackedRows,
  features: Record<'users' | 'restaurants', readonly FeatureSpec[]>,
): Promise<SliceColumn[]> {
  const { features: context = [], pairs = [] } = pack.context ?? {}
  const found = names.map((name) => featureNamed(name, { ...features, context }, pairs))
  const keys = found.map((one) => keyOf(one, lead, pack))
  const counts = names.map(() => new Map<number, number>())
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  for (const [i, block] of pack.blocks.entries()) {
    await pack.readBlockInto(i, bytes)
    const rows = blockRows(pack.plan, bytes.buffer, 0, block.rows)
    for (const [k, name] of names.entries()) countInto(counts[k], keys[k], { rows, count: block.rows, name })
  }
  return names.map((name, i) => columnOf(name, found[i].feature, keys[i], counts[i]))
}

function countInto(
  counts: Map<number, number>,
  key: KeyOf,
  { rows, count, name }: { rows: ClickRows; count: number; name: string },
): void {
  for (let row = 0; row < count; row++) {
    const value = key(rows, row)
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  if (counts.size > DISTINCT_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot slice by ${name}: it has more than ${DISTINCT_MAX} values in the test clicks; choose a column with fewer`,
    )
}

function columnOf(
  name: string,
  feature: FeatureSpec,
  key: KeyOf,
  counts: ReadonlyMap<number, number>,
): SliceColumn {
  const sorted = Array.from(counts).toSorted(([a, rowsOfA], [b, rowsOfB]) => rowsOfB - rowsOfA || a - b)
  const shown = sorted.length > VALUES_MAX + 1 ? sorted.slice(0, VALUES_MAX) : sorted
  const places = new Map(shown.map(([value], place) => [value, place]))
  const values = shown.map(([value]) => valueOf(feature, value))
  if (sorted.length > shown.length) values.push({ is: 'others', value: null })
  return {
    name,
    values,
    placesInto(to, rows, count) {
      for (let row = 0; row < count; row++) to[row] = places.get(key(rows, row)) ?? VALUES_MAX
    },
  }
}

function valueOf(feature: FeatureSpec, key: number): SliceValue {
  if (feature.kind !== 'category')
    return key === MISSING_NUMBER
      ? { is: 'missing', value: null }
      : { is: 'value', value: String(Number(key.toPrecision(FLOAT32_DIGITS))) }
  if (key === MISSING_CODE) return { is: 'missing', value: null }
  if (key === UNSEEN_CODE) return { is: 'unseen', value: null }
  return { is: 'value', value: feature.values[key - FIRST_CODE] }
}

/** What tells the values of a feature apart: its code, or its number. */
function keyOf({ feature, source, word }: Found, lead: CrewLead, pack: PackedRows): KeyOf {
  const isCode = feature.kind === 'category'
  const hasFlag = feature.kind === 'number' && feature.missing?.flag === true
  const read = (u32: Uint32Array, f32: Float32Array, at: number) => {
    if (isCode) return u32[at]
    return hasFlag && f32[at + 1] !== 0 ? MISSING_NUMBER : f32[at]
  }
  if (source === 'context') {
    const { words } = rowShape([...(pack.context?.features ?? []), ...(pack.context?.pairs ?? [])])
    return ({ context }, row) => {
      const u32 = context as Uint32Array
      const f32 = new Float32Array(u32.buffer, u32.byteOffset + 4 * row * words, words)
      return isCode ? u32[row * words + word] : read(u32, f32, word)
    }
  }
  const { at, rows, stride } = lead.arena.tables[source]
  const f32 = lead.floats(at, rows * stride)
  const u32 = new Uint32Array(f32.buffer, f32.byteOffset, f32.length)
  const keys = Float64Array.from({ length: rows }, (_, row) => read(u32, f32, row * stride + word))
  return (columns, row) => keys[columns[source][row]]
}

/** `device`, or with its side `user.gender`, `restaurant.price`, `context.device`. */
function featureNamed(
  name: string,
  features: Record<SliceSource, readonly FeatureSpec[]>,
  pairs: readonly PairFeature[],
): Found {
  const known: string[] = []
  for (const source of SLICE_SOURCES) {
    for (const [place, feature] of features[source].entries()) {
      if (!isSliceable(feature)) continue
      known.push(`${SLICE_PREFIXES[source]}${feature.name}`)
      if (name !== feature.name && name !== known.at(-1)) continue
      return { feature, source, word: wordOf(features[source], place, source === 'context' ? pairs : []) }
    }
  }
  throw new NearrankError(
    'INPUT',
    `Cannot slice by ${name}: it must be a category or a plain number that the model has as a feature, ${known.length > 0 ? `one of ${known.join(', ')}` : 'of which it has none'}`,
  )
}

/** Whether rows can be parted by a feature: not if it is hashed or scaled. */
export function isSliceable(feature: FeatureSpec): boolean {
  if (feature.kind === 'category') return feature.buckets === undefined
  return feature.kind === 'number' && feature.scale === undefined
}

/** Numbers of all features come first, then the codes of all; those of pairs behind those of the context. */
function wordOf(features: readonly FeatureSpec[], place: number, pairs: readonly PairFeature[]): number {
  const before = rowShape(features.slice(0, place))
  return features[place].kind === 'category'
    ? rowShape([...features, ...pairs]).numbers + before.codes
    : before.numbers
}
