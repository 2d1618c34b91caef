const DATE = String.raw`(\d{4})-(\d\d)-(\d\d)`
const TIME = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))?`
const INSTANT = new RegExp(`^${DATE}(?:[T ]${TIME})?$`)
const [YEAR_MIN, YEAR_MAX] = [1900, 2199]
const MINUTE_MS = 60_000

/**
 * Milliseconds since 1970 of a date or a time in ISO 8601, such as 2026-11-01 or 2026-11-01T06:00:00+02:00;
 * without a zone it is UTC, a date alone its midnight. Less than a millisecond is left out. undefined: it is
 * neither, or not from 1900 to 2199.
 */
export function instantMs(text: string): number | undefined {
  const found = INSTANT.exec(text)
  if (!found) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0))
  const [fraction = '0', sign, zoneHours = '0', zoneMinutes = '0'] = found.slice(7)
  if (year < YEAR_MIN || year > YEAR_MAX || Math.max(minute, second, Number(zoneMinutes)) > 59)
    return undefined
  if (hour > 23 || Number(zoneHours) > 14) return undefined
  const midnight = new Date(Date.UTC(year, month - 1, day))
  // A day that the month does not have would be one of the next.
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined
  const local = midnight.getTime() + (hour * 60 + minute) * MINUTE_MS + second * 1000
  const east = (Number(zoneHours) * 60 + Number(zoneMinutes)) * MINUTE_MS
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3))
  return local + ms - (sign === '-' ? -east : east)
}
