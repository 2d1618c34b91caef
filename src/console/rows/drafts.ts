import type { FeatureValue } from '../../client/types.ts'
import type { ModelFeature } from '../api/modelFeatures.ts'

/** What stands in the input of a feature: a text, or of a list of categories each of them. */
export type Draft = string | readonly string[]

/** What a draft says. */
export type Told = { value: FeatureValue } | { problem: string }

const DATE = /^\d{4}-\d\d-\d\d$/
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/

/** How a value stands in its input. Times are UTC. */
export function draftOf({ kind }: ModelFeature, value: FeatureValue | undefined): Draft {
  if (kind === 'categories') return listOf(value).map(String)
  if (value === undefined || value === null) return ''
  if (kind === 'number') return String(Number(value))
  if (kind === 'time') return timeDraft(value)
  return typeof value === 'object' ? listOf(value).join(', ') : String(value)
}

/** What a draft says; one that was not changed says what is stored, digit for digit. */
export function toldBy(feature: ModelFeature, draft: Draft, stored: FeatureValue | undefined): Told {
  if (areSameDrafts(draft, draftOf(feature, stored))) return { value: stored ?? null }
  if (typeof draft !== 'string') return { value: sameKinds(draft, stored) }
  const text = draft.trim()
  if (text === '') return feature.mayBeMissing ? { value: null } : { problem: 'must be given' }
  switch (feature.kind) {
    case 'number':
      return numberOf(text)
    case 'vector':
      return numbersOf(text, feature.length)
    case 'cell':
      return numbersOf(text, 2)
    case 'time':
      return timeOf(text)
    case 'category':
    case 'categories':
    case 'text':
      return { value: text }
  }
}

export function areSameDrafts(one: Draft, other: Draft): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Which input a time is told in: the stored one may be a day alone, or none that an input can show. */
export function timeInput(draft: string): 'date' | 'datetime-local' | 'text' {
  if (DATE.test(draft)) return 'date'
  return draft === '' || DATE_TIME.test(draft) ? 'datetime-local' : 'text'
}

function timeDraft(value: FeatureValue): string {
  const text = String(value)
  if (DATE.test(text)) return text
  const time = new Date(typeof value === 'number' ? value : hasZone(text) ? text : `${text}Z`)
  if (Number.isNaN(time.getTime())) return text
  const iso = time.toISOString()
  return iso.startsWith('+') || iso.startsWith('-') ? text : iso.replace(/(?:\.000)?Z$/, '')
}

function timeOf(text: string): Told {
  if (DATE.test(text)) return { value: text }
  if (DATE_TIME.test(text)) return { value: `${text.length === 16 ? `${text}:00` : text}Z` }
  return { value: text } // the server knows more forms, and says what is wrong
}

function hasZone(text: string): boolean {
  return /(?:Z|[+-]\d\d:?\d\d)$/i.test(text)
}

function numberOf(text: string): Told {
  const number = Number(text)
  return Number.isFinite(number) ? { value: number } : { problem: 'must be a number' }
}

/** A list of `count` numbers. */
function numbersOf(text: string, count: number | undefined): Told {
  const numbers = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(Number)
  if (numbers.some((number) => !Number.isFinite(number)))
    return { problem: 'must be numbers, separated by commas' }
  if (count !== undefined && numbers.length !== count)
    return { problem: `must be ${count} number${count === 1 ? '' : 's'}, found ${numbers.length}` }
  return { value: numbers }
}

/** Values that were stored keep their kind: 3 does not become "3". */
function sameKinds(texts: readonly string[], stored: FeatureValue | undefined): FeatureValue {
  const known = new Map(listOf(stored).map((value) => [String(value), value]))
  return texts.map((text) => known.get(text) ?? text)
}

function listOf(value: FeatureValue | undefined) {
  if (value === undefined || value === null) return []
  return [value].flat()
}
