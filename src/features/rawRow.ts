import { shown } from '../shown.ts'
import type { RawValue } from './values.ts'

/** The values of a row by the names of its features, as who wrote them had them. Absent or null: missing. */
export type RawRow = Readonly<Record<string, RawValue>>

/** Of the texts of a row together, UTF-16 units; a number or a boolean counts as 24. */
export const ROW_UNITS_MAX = 2 ** 18
const SCALAR_UNITS = 24
const NAMES_CHARS_MAX = 300 // of the list of names, in a message

/** The value of a feature; undefined: it is missing. */
export function valueOf(row: RawRow, name: string): RawValue {
  return Object.hasOwn(row, name) ? row[name] : undefined
}

/** A row as JSON, without what is missing: the form in which it is stored. */
export function rowText(row: RawRow): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined)),
  )
}

/**
 * What is wrong with the values of a row, as a part of a sentence, whatever kinds its features are of;
 * undefined: nothing. `names`: of its features.
 */
export function rowProblem(row: unknown, names: ReadonlySet<string>): string | undefined {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || ArrayBuffer.isView(row))
    return `features must be an object with values by the names of the features (${listed(names)}), found ${shown(row)}`
  let units = 0
  for (const [name, value] of Object.entries(row)) {
    if (!names.has(name)) return `the feature ${shown(name)} is unknown, the features are ${listed(names)}`
    const problem = valueProblem(value)
    if (problem !== undefined) return `feature ${name} ${problem}`
    units += name.length + unitsOf(value as RawValue)
  }
  return units > ROW_UNITS_MAX
    ? `the texts of a row must have at most ${ROW_UNITS_MAX} characters together, found ${units}`
    : undefined
}

/** The names in a message: all of them, or the first ones. */
export function listed(names: Iterable<string>): string {
  const all = Array.from(names).join(', ')
  return all.length > NAMES_CHARS_MAX ? `${all.slice(0, NAMES_CHARS_MAX)}…` : all
}

function valueProblem(value: unknown): string | undefined {
  if (value === undefined || isScalar(value)) return undefined
  if (typeof value === 'number') return `must be finite, found ${value}`
  if (!Array.isArray(value))
    return `must be a number, a text, true, false, null or a list of these, found ${shown(value)}`
  const bad = value.find((item) => !isScalar(item))
  return bad === undefined
    ? undefined
    : `must be a list of numbers, texts, true or false, found ${shown(bad)} in it`
}

/** What JSON holds as one value. */
function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return value === null || typeof value === 'string' || typeof value === 'boolean'
}

function unitsOf(value: RawValue): number {
  if (typeof value === 'string') return value.length
  if (!Array.isArray(value)) return SCALAR_UNITS
  return (value as readonly RawValue[]).reduce((sum: number, item) => sum + unitsOf(item), 0)
}
