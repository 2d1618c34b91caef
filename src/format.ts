// Figures as a person reads them, in tables, progress lines and reports.

/** `1,234,567` */
export function formatCount(value: number): string {
  return value.toFixed(0).replaceAll(/\B(?=(?:\d{3})+$)/g, ',') // Intl takes 18 ms to load
}

/** `1.43 s`, `12.3 s`, `3 min 05 s`, `2 h 04 min` */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor((whole % 3600) / 60))} min`
}

/** `512 B`, `1.5 KiB`, `640 MiB`, `4 GiB`: four digits at most, units of 1024. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toPrecision(value >= 1000 ? 4 : 3))} ${units[unit]}`
}

/** `0 %`, `<0.1 %`, `12.3 %`, `>99.9 %`, `100 %`: what is not quite nothing or everything never looks so. */
export function formatPercent(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1 %'
  if (share < 1 && share >= 0.9995) return '>99.9 %'
  return `${Number((100 * share).toFixed(1))} %`
}

/** `0.6931`, `12,300`, `1.2e-8`: four digits. */
export function formatFigure(value: number): string {
  return Math.abs(value) >= 9999.5 && Math.abs(value) < 1e15
    ? `${value < 0 ? '-' : ''}${formatCount(Number(Math.abs(value).toPrecision(4)))}`
    : String(Number(value.toPrecision(4)))
}

/** `0.123 %`, `12.3 %`: three digits, however small. */
export function formatShare(share: number | null): string {
  return share === null ? '–' : `${Number((100 * share).toPrecision(3))} %`
}

/** `0.123 ms`, `12.3 ms`, `1,234 ms` */
export function formatMs(ms: number | null): string {
  if (ms === null) return '–'
  return `${ms >= 99.95 ? formatCount(ms) : ms >= 9.995 ? ms.toFixed(1) : ms.toFixed(ms >= 0.9995 ? 2 : 3)} ms`
}

/** `0.123/s`, `12,800/s` */
export function formatRate(perSecond: number | null): string {
  if (perSecond === null) return '–'
  return `${perSecond >= 99.95 ? formatCount(perSecond) : Number(perSecond.toPrecision(3))}/s`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
