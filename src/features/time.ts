import type { TimePart } from './featureSpec.ts'
import type { RawValue } from './values.ts'

const DAY_MS = 86_400_000
export const MS_MAX = 8.64e15 // of a Date
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/

/**
 * Milliseconds since 1970, from the same or from an ISO 8601 text; one without a zone is UTC. undefined: it
 * is neither.
 */
export function timeOf(value: RawValue): number | undefined {
  if (typeof value === 'number') return Math.abs(value) <= MS_MAX ? value : undefined
  if (typeof value !== 'string' || !ISO.test(value) || !hasItsDay(value.slice(0, 10))) return undefined
  const hasZone = isDay(value) || /(?:Z|[+-]\d{2}:?\d{2})$/.test(value.slice(10))
  const time = Date.parse(hasZone ? value : `${value.replace(' ', 'T')}Z`)
  return Number.isNaN(time) ? undefined : time
}

/** Whether it is the text of a day without an hour, if it is one of a time. */
export function isDay(value: RawValue): boolean {
  return typeof value === 'string' && value.length <= 10
}

/** Whether a month has that day: V8 takes the 30th of February for the 2nd of March. */
function hasItsDay(date: string): boolean {
  return new Date(date).getUTCDate() === Number(date.slice(8))
}

/** A part of what the clocks of UTC show, from 0: the hour, the day of the week (0: Monday), the month. */
export function partOf(time: number, part: Exclude<TimePart, 'days'>): number {
  const date = new Date(time)
  if (part === 'hour') return date.getUTCHours()
  if (part === 'month') return date.getUTCMonth()
  return (((Math.floor(time / DAY_MS) + 3) % 7) + 7) % 7 // 1970 began on a Thursday
}
