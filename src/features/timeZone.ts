import { MS_MAX } from './time.ts'

const HOUR_MS = 3_600_000
const HOURS_KEPT_MAX = 2 ** 16 // seven years

/** Whether this Node knows a time zone: a name of the IANA database, such as `Europe/Berlin`. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/**
 * What the clocks of a zone show at a moment, milliseconds since 1970 in UTC: the moment at which those of
 * UTC show the same. Asking the system takes some microseconds, so whole hours are remembered.
 */
export function clockOf(zone: string): (time: number) => number {
  const format = formatOf(zone)
  const offsets = new Map<number, number>() // of an hour; NaN: it changes within it
  const offsetOf = (hour: number): number => {
    const start = offsetAt(format, hour * HOUR_MS)
    const end = Math.min((hour + 1) * HOUR_MS - 1, MS_MAX)
    return start === offsetAt(format, end) ? start : NaN
  }
  return (time) => {
    const hour = Math.floor(time / HOUR_MS)
    let offset = offsets.get(hour)
    if (offset === undefined) {
      if (offsets.size === HOURS_KEPT_MAX) offsets.clear()
      offset = offsetOf(hour)
      offsets.set(hour, offset)
    }
    const clock = time + (Number.isNaN(offset) ? offsetAt(format, time) : offset)
    return Math.max(-MS_MAX, Math.min(clock, MS_MAX))
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
}

/** Milliseconds ahead of UTC, from a text such as `GMT-03:30`, `GMT`, or, long ago, `GMT+00:53:28`. */
function offsetAt(format: Intl.DateTimeFormat, time: number): number {
  const text = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /([+-])(\d+)(?::(\d+))?(?::(\d+))?/.exec(text.replace('−', '-')) ?? []
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}
