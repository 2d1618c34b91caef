import { formatCount } from '../../format.ts'

/** `0`, `0.25`, `12.3`, `1,234`: three digits, and all of a larger number. */
export function formatFigure(value: number): string {
  if (Math.abs(value) >= 99.95) return formatCount(value)
  return String(Number(value.toPrecision(3)))
}

/** `0.25 ms`, `12.3 ms`, `1.5 s` */
export function formatDuration(seconds: number): string {
  return seconds >= 0.9995 ? `${formatFigure(seconds)} s` : `${formatFigure(1000 * seconds)} ms`
}

/** `5 s ago`, `1 min 05 s ago` */
export function formatAgo(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds <= 0) return 'now'
  const rest = String(seconds % 60).padStart(2, '0')
  return seconds < 60 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ${rest} s ago`
}
