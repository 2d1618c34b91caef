import type { FeatureSpec, TimeFeature } from './featureSpec.ts'
import { shortestFloat32 } from './featureValues.ts'
import { codedParts, FIRST_CODE, MISSING_CODE, UNSEEN_CODE } from './rowShape.ts'
import { type RawValue, textOfValue } from './values.ts'

const CODES_SHOWN = 8
const WEEKDAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)

/** The words of an encoded row that are of one feature. */
export interface FeatureWords {
  numbers: Float32Array
  codes: Uint32Array
}

/** What the encoder made of a value, in words. */
export function encodedText(feature: FeatureSpec, value: RawValue, { numbers, codes }: FeatureWords): string {
  switch (feature.kind) {
    case 'number': {
      const number = `${numberText(numbers[0])}${feature.scale ? ` (${feature.scale})` : ''}`
      return isMissing(value) ? `missing, ${number} instead` : number
    }
    case 'vector':
      return isMissing(value) ? 'missing, the mean instead' : `${feature.length} numbers`
    case 'category':
      return codeText(codes[0])
    case 'categories':
      return listText(value, codes, feature.maxValues)
    case 'text':
      return countedText(codes, 'word')
    case 'time':
      return isMissing(value) ? 'missing' : timeText(feature, numbers, codes)
    case 'cell':
      return countedText(codes, 'cell')
  }
}

/** A number as an encoded row has it. */
export function numberText(value: number): string {
  return String(shortestFloat32(value))
}

/** How many codes there are and which, if they are hashed: `2 words, codes 12, 40`. */
export function countedText(codes: Uint32Array, of: string): string {
  const kept = codes.filter((code) => code !== MISSING_CODE)
  if (kept.length === 0) return 'missing'
  return `${kept.length} ${of}${kept.length === 1 ? '' : 's'}, ${codesText(kept)}`
}

/** The texts by which the values of a category or a list are known, without missing ones. */
export function textsOf(value: RawValue): string[] {
  const items: readonly RawValue[] = Array.isArray(value) ? value : [value]
  return items.flatMap((item) => textOfValue(item) ?? [])
}

function isMissing(value: RawValue): boolean {
  return value === null || value === undefined || Number.isNaN(value)
}

function codeText(code: number): string {
  if (code === MISSING_CODE) return 'missing'
  return code === UNSEEN_CODE ? 'unseen in training' : `code ${code}`
}

function listText(value: RawValue, codes: Uint32Array, maxValues: number): string {
  const kept = codes.filter((code) => code !== MISSING_CODE)
  if (kept.length === 0) return 'missing'
  const known = kept.filter((code) => code !== UNSEEN_CODE)
  const unseen = kept.length - known.length
  const leftOut = textsOf(value).length - kept.length
  return [
    ...(known.length > 0 ? [codesText(known)] : []),
    ...(unseen > 0 ? [`${unseen} unseen in training`] : []),
    ...(leftOut > 0 ? [`${leftOut} beyond the first ${maxValues} left out`] : []),
  ].join(', ')
}

function codesText(codes: Uint32Array): string {
  const shown = Array.from(codes.subarray(0, CODES_SHOWN)).join(', ')
  return `${codes.length === 1 ? 'code' : 'codes'} ${shown}${codes.length > CODES_SHOWN ? ', …' : ''}`
}

function timeText({ parts, zone }: TimeFeature, numbers: Float32Array, codes: Uint32Array): string {
  const texts = codedParts(parts).map((part, i) => {
    const at = codes[i] - FIRST_CODE
    if (part === 'hour') return `hour ${at}`
    return part === 'weekday' ? WEEKDAYS[at] : MONTHS[at]
  })
  if (parts.includes('days')) texts.unshift(`${numberText(numbers[0])} days since 1970`)
  return `${texts.join(', ')}${zone === undefined ? '' : ` in ${zone}`}`
}
