import { shown } from '../../shown.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import { vectorProblem } from '../../features/featureValues.ts'
import { type FeatureId, idText, parseId, wantedId } from '../../ids.ts'
import { placeProblem } from '../checkChanges.ts'
import { type RawRow, rowProblem, valueOf } from '../../features/rawRow.ts'
import type { Change, FeatureRow, SideLayout, StoreLayout, Values, Vector } from '../featureStore.ts'
import { fieldOfValue, valueOfField } from './valueFields.ts'
import type { RedisCommand } from './connection.ts'

/** Which row a key names. */
export interface RowKey {
  key: string
  side: Side
  id: FeatureId
}

/** A row as a hash's fields tell it; absent: there is no such hash; otherwise why it cannot be used. */
export type DecodedRow = { row: FeatureRow } | { absent: true } | { problem: string }

const PLACE_FIELDS = ['latitude', 'longitude'] as const
const KEY_WORDS: Record<Side, string> = { users: 'user:', restaurants: 'restaurant:' }
const BYTES_PER_FEATURE = 4
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** How the keys of one side begin. */
export function keyPrefix(prefix: string, side: Side): string {
  return prefix + KEY_WORDS[side]
}

/** The key of a row. */
export function keyOf(prefix: string, { side, id }: { side: Side; id: FeatureId }): string {
  return keyPrefix(prefix, side) + idText(id)
}

/**
 * Which row `key` names; undefined: none, it is another part of the
 * prefix's; a string: why its id cannot be used.
 */
export function parseKey(prefix: string, key: string, layout: StoreLayout): RowKey | string | undefined {
  const side = SIDES.find((one) => key.startsWith(keyPrefix(prefix, one)))
  if (side === undefined) return undefined
  const { ids } = layout[side]
  const text = key.slice(keyPrefix(prefix, side).length)
  const id = parseId(text, ids)
  // One text only, so that no two keys are one id.
  if (id !== undefined && idText(id) === text) return { key, side, id }
  const form = ids === 'string' ? '' : ' in plain decimal'
  return `Cannot use the key ${shown(key)}: what follows ${KEY_WORDS[side]} must be ${wantedId(ids)}${form}; delete it`
}

/** The command that reads a row's fields, for `decodeRow`: those of a place first. */
export function readCommand({ key, side }: RowKey, layout: StoreLayout): RedisCommand {
  const { form, names = [] } = layout[side]
  return ['HMGET', key, ...placeFields(side), ...(form === 'values' ? names : ['features'])]
}

/** The command that makes `change`: whole rows in one, so that nobody ever reads half a row. */
export function writeCommand(prefix: string, change: Change, layout: StoreLayout): RedisCommand {
  const key = keyOf(prefix, change)
  if ('deleted' in change) return ['DEL', key]
  const fields: RedisCommand = ['HSET', key]
  if (change.side === 'restaurants')
    fields.push('latitude', String(change.latitude), 'longitude', String(change.longitude))
  if ('features' in change) fields.push('features', encodeFeatures(change.features))
  else
    for (const name of layout[change.side].names ?? [])
      fields.push(name, fieldOfValue(valueOf(change.values, name)))
  return fields
}

/**
 * What the reply to `readCommand` says, checked completely. `reply` holds a Buffer or null for each field.
 */
export function decodeRow(
  { key, side, id }: RowKey,
  reply: readonly (Buffer | null)[],
  layout: StoreLayout,
): DecodedRow {
  if (reply.every((field) => field === null)) return { absent: true }
  const placed = placeFields(side)
  const without = placed.find((_, i) => reply[i] === null)
  if (without) return damaged(key, `it must have the field ${without}, found none`)
  const own = reply.slice(placed.length)
  const decoded =
    layout[side].form === 'values' ? decodeValues(own, layout[side]) : decodeVector(own, layout[side])
  if (typeof decoded === 'string') return damaged(key, decoded)
  const [latitude, longitude] = reply.slice(0, placed.length).map((text) => decimalOf(text as Buffer))
  const row = side === 'users' ? { side, id, ...decoded } : { side, id, ...decoded, latitude, longitude }
  const problem = placeProblem(row)
  return problem === undefined ? { row } : damaged(key, problem)
}

function decodeVector([bytes]: readonly (Buffer | null)[], { features: count }: SideLayout): Vector | string {
  if (!bytes) return 'it must have the field features, found none'
  if (bytes.length !== count * BYTES_PER_FEATURE)
    return `features must be ${count * BYTES_PER_FEATURE} bytes (${count} little-endian float32), found ${bytes.length}`
  const features = new Float32Array(count)
  for (let i = 0; i < count; i++) features[i] = bytes.readFloatLE(i * BYTES_PER_FEATURE)
  return vectorProblem(features, count) ?? { features }
}

/** One field a feature; one that is not there, or empty, is missing. */
function decodeValues(fields: readonly (Buffer | null)[], { names = [] }: SideLayout): Values | string {
  const values = Object.fromEntries(
    names.map((name, i) => [name, valueOfField(fields[i]?.toString() ?? '')] as const),
  )
  return rowProblem(values, new Set(names)) ?? { values: values as RawRow }
}

function placeFields(side: Side): readonly string[] {
  return side === 'users' ? [] : PLACE_FIELDS
}

/** The pattern that SCAN matches for all keys that begin with `prefix`, whatever characters it holds. */
export function scanPattern(prefix: string): string {
  return `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`
}

function encodeFeatures(features: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(features.length * BYTES_PER_FEATURE)
  for (let i = 0; i < features.length; i++) bytes.writeFloatLE(features[i], i * BYTES_PER_FEATURE)
  return bytes
}

function decimalOf(text: Buffer): number {
  return DECIMAL.test(text.toString()) ? Number(text) : Number.NaN
}

function damaged(key: string, problem: string): DecodedRow {
  return { problem: `Cannot use the hash ${shown(key)}: ${problem}; write it again` }
}
