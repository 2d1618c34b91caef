import type {
  CategoriesFeature,
  CategoryFeature,
  CellFeature,
  FeatureSpec,
  TextFeature,
  TimeFeature,
  VectorFeature,
} from './featureSpec.ts'
import { gridCell, isPlace } from '../geo/gridCell.ts'
import { FLOAT32_BOUND } from './featureValues.ts'
import { scaleOf } from './scaledNumber.ts'
import { codedParts, embeddingsOf, FIRST_CODE, MISSING_CODE, numbersOf, UNSEEN_CODE } from './rowShape.ts'
import { isDay, partOf, timeOf } from './time.ts'
import { clockOf } from './timeZone.ts'
import { shown } from '../shown.ts'
import { type RawValue, textOfValue } from './values.ts'

/** Encoded rows, as floats and as codes: two views of the same memory. */
export interface Words {
  f32: Float32Array
  u32: Uint32Array
}

export function wordsOf({ buffer, byteOffset, length }: Float32Array | Uint32Array): Words {
  return {
    f32: new Float32Array(buffer, byteOffset, length),
    u32: new Uint32Array(buffer, byteOffset, length),
  }
}

/** What is said of a missing number or vector if nothing can take its place. */
export const NONE_MISSING =
  'training saw none missing, so give it a value, or train again on data in which some are missing'

/** Encodes the values of one feature. */
export interface FeatureEncoder {
  /**
   * Writes what `value` becomes: its numbers from word `number` on, its codes from word `code` on. Returns
   * what is wrong with the value, as a part of a sentence; undefined: nothing.
   */
  encode: (value: RawValue, to: Words, number: number, code: number) => string | undefined
  numbers: number
  codes: number
}

/** The one way from a raw value to a row: packing, ranking and serving all take it. */
export function featureEncoder(feature: FeatureSpec): FeatureEncoder {
  const numbers = numbersOf(feature)
  const codes = embeddingsOf(feature).reduce((sum, { slots }) => sum + slots, 0)
  return { numbers, codes, encode: encodeOf(feature) }
}

/** Encodes whole rows. */
export class RowEncoder {
  readonly features: readonly FeatureSpec[]
  failed = -1 // number of the feature whose value the last row with a problem could not be encoded for
  readonly #encoders: FeatureEncoder[]
  readonly #numbers: number

  constructor(features: readonly FeatureSpec[]) {
    this.features = features
    this.#encoders = features.map(featureEncoder)
    this.#numbers = this.#encoders.reduce((sum, { numbers }) => sum + numbers, 0)
  }

  /**
   * Writes a row from word `at` on; `values`: of the features, in their order. Returns what is wrong with one
   * of them, as a part of a sentence; undefined: nothing.
   */
  encodeInto(to: Words, at: number, values: readonly RawValue[]): string | undefined {
    let number = at
    let code = at + this.#numbers
    for (const [i, { encode, numbers, codes }] of this.#encoders.entries()) {
      const problem = encode(values[i], to, number, code)
      if (problem !== undefined) {
        this.failed = i
        return `feature ${this.features[i].name} ${problem}`
      }
      number += numbers
      code += codes
    }
    return undefined
  }
}

function encodeOf(feature: FeatureSpec): FeatureEncoder['encode'] {
  switch (feature.kind) {
    case 'number': {
      const { missing } = feature
      const scaled = scaleOf(feature)
      return (value, { f32 }, at) => {
        const isMissing = isAbsent(value)
        if (isMissing && !missing)
          return `must be a finite number, found ${shown(value ?? null)}; ${NONE_MISSING}`
        const number = isMissing ? missing!.value : numberOf(value)
        if (number === undefined) return `must be a finite number as a 32-bit float, found ${shown(value)}`
        // Training knows float32 alone, and a rank jumps where a value is that of many rows.
        f32[at] = scaled ? scaled(Math.fround(number)) : number
        if (missing?.flag) f32[at + 1] = isMissing ? 1 : 0
        return undefined
      }
    }
    case 'category': {
      const codeOf = codesOf(feature)
      return (value, { u32 }, _, at) => {
        const text = textOfValue(value)
        if (text === undefined) return `must be a text, a number or a boolean, found ${shown(value)}`
        if (isRounded(value)) return LONG_INTEGER
        u32[at] = text === null ? MISSING_CODE : codeOf(text)
        return undefined
      }
    }
    case 'categories':
      return encodeCategories(feature)
    case 'text':
      return encodeText(feature)
    case 'vector':
      return encodeVector(feature)
    case 'time':
      return encodeTime(feature)
    case 'cell':
      return encodeCell(feature)
  }
}

const LONG_INTEGER =
  'must be written as a text where it is an integer beyond ±(2^53 − 1), whose last digits a number does not keep'

/** An integer that may have had other digits: another category. */
function isRounded(value: RawValue): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value)
}

function encodeCategories(feature: CategoriesFeature): FeatureEncoder['encode'] {
  const { maxValues } = feature
  const codeOf = codesOf(feature)
  return (value, { u32 }, _, at) => {
    const list = value ?? []
    if (!Array.isArray(list)) return `must be a list, found ${shown(value)}`
    u32.fill(MISSING_CODE, at, at + maxValues)
    let count = 0
    for (const item of list as readonly RawValue[]) {
      const text = textOfValue(item)
      if (text === undefined)
        return `must be a list of texts, numbers or booleans, found ${shown(item)} in it`
      if (isRounded(item)) return LONG_INTEGER
      if (text === null || count === maxValues) continue
      u32[at + count++] = codeOf(text)
    }
    return undefined
  }
}

function encodeText({ buckets, maxValues }: TextFeature): FeatureEncoder['encode'] {
  return (value, { u32 }, _, at) => {
    const text = textOfValue(value)
    if (text === undefined) return `must be a text, found ${shown(value)}`
    u32.fill(MISSING_CODE, at, at + maxValues)
    const words = text === null ? [] : wordsIn(text)
    for (const [i, word] of words.slice(0, maxValues).entries())
      u32[at + i] = FIRST_CODE + (hashOf(word) % buckets)
    return undefined
  }
}

function encodeVector({ length, missing }: VectorFeature): FeatureEncoder['encode'] {
  return (value, { f32 }, at) => {
    const isMissing = isAbsent(value)
    if (isMissing && !missing)
      return `must be a list of ${length} numbers, found ${shown(value ?? null)}; ${NONE_MISSING}`
    const list = isMissing ? missing!.values : value
    if (!Array.isArray(list) || list.length !== length)
      return `must be a list of ${length} numbers, found ${Array.isArray(list) ? `${list.length}` : shown(value)}`
    for (const [i, item] of (list as readonly RawValue[]).entries()) {
      const number = numberOf(item)
      if (number === undefined) return `must hold finite numbers, found ${shown(item)} in it`
      f32[at + i] = number
    }
    if (missing?.flag) f32[at + length] = isMissing ? 1 : 0
    return undefined
  }
}

function encodeTime({ parts, zone, missing }: TimeFeature): FeatureEncoder['encode'] {
  const hasDays = parts.includes('days')
  const shownAt = zone === undefined ? (time: number) => time : clockOf(zone)
  const coded = codedParts(parts)
  return (value, { f32, u32 }, number, code) => {
    const time = isAbsent(value) ? null : timeOf(value)
    if (time === undefined) return `must be a date or a time, found ${shown(value)}`
    if (hasDays) {
      f32[number] = time === null ? missing.value : time / 86_400_000
      if (missing.flag) f32[number + 1] = time === null ? 1 : 0
    }
    // A day without an hour is that day everywhere.
    const clock = time === null || isDay(value) ? time : shownAt(time)
    for (const [i, part] of coded.entries())
      u32[code + i] = clock === null ? MISSING_CODE : FIRST_CODE + partOf(clock, part)
    return undefined
  }
}

function encodeCell({ sizesM, buckets }: CellFeature): FeatureEncoder['encode'] {
  return (value, { u32 }, _, code) => {
    const place = placeOf(value)
    if (place === undefined)
      return `must be a list of latitude and longitude in degrees, found ${Array.isArray(value) ? JSON.stringify(value) : shown(value)}`
    for (const [i, size] of sizesM.entries())
      u32[code + i] = place === null ? MISSING_CODE : FIRST_CODE + (gridCell(...place, size) % buckets)
    return undefined
  }
}

/** null: it is missing, or one of its two numbers is; undefined: it is none. */
function placeOf(value: RawValue): [latitude: number, longitude: number] | null | undefined {
  if (value === null || value === undefined) return null
  if (!Array.isArray(value) || value.length !== 2) return undefined
  if ((value as readonly RawValue[]).some(isAbsent)) return null
  const [latitude, longitude] = value as readonly RawValue[]
  return isPlace(latitude, longitude) ? [latitude as number, longitude as number] : undefined
}

/** The code of a value: its place in the vocabulary, or a hash. */
function codesOf({ values, buckets }: CategoryFeature | CategoriesFeature): (text: string) => number {
  if (buckets !== undefined) return (text) => FIRST_CODE + (hashOf(text) % buckets)
  let codes: Map<string, number> | undefined // who packs a table mostly finds them by their bytes
  return (text) => {
    codes ??= new Map(values.map((value, i) => [value, FIRST_CODE + i]))
    return codes.get(text) ?? UNSEEN_CODE
  }
}

function isAbsent(value: RawValue): boolean {
  return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value))
}

/** A number that a float32 can hold; undefined: it is none. */
function numberOf(value: RawValue): number | undefined {
  const number = typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : value
  return typeof number === 'number' && Math.abs(number) < FLOAT32_BOUND ? number : undefined
}

/** The words of a text: runs of letters with their marks and of digits, in lower case. */
function wordsIn(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
}

/** FNV-1a over the UTF-8 bytes, 32 bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
