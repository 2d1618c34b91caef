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

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
