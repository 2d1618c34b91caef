import { formatBytes, formatSeconds } from '../../format.ts'

/** How far a stage is. */
export interface ProgressState {
  stage: string // 'train 2/5'
  done: number // rows, or whatever `unit` says
  total: number // 0: not known
  unit?: string // @default rows
  rowsPerSecond?: number
  loss?: number
  best?: string // found so far
  secondsLeft?: number
  rssBytes?: () => number // asked only when it is shown: it takes 0.1 ms
}

const BAR_WIDTH_MAX = 30
const BAR_WIDTH_MIN = 5

/**
 * One line of at most `columns` characters: stage, bar, percent, rows/s, loss, time left, memory; the last go
 * first where it is narrow.
 */
export function progressLine(state: ProgressState, columns: number): string {
  const share = state.total > 0 ? Math.min(1, state.done / state.total) : 0
  const percent = state.total > 0 ? `${String(Math.floor(share * 100)).padStart(3)} %` : ''
  const parts = [percent, ...figures(state)].filter((part) => part !== '')
  while (parts.length > 1 && state.stage.length + 2 + parts.join('  ').length > columns) parts.pop()
  const text = parts.join('  ')
  const width = Math.min(BAR_WIDTH_MAX, columns - state.stage.length - text.length - 2)
  const line =
    width >= BAR_WIDTH_MIN && state.total > 0
      ? `${state.stage} ${bar(share, width)} ${text}`
      : `${state.stage}  ${text}`
  return line.slice(0, Math.max(0, columns))
}

/** The same without a bar, for logs. */
export function plainProgressLine(state: ProgressState): string {
  const { done, total, unit = 'rows' } = state
  const rows = total > 0 ? `${done} of ${total} ${unit}` : `${done} ${unit}`
  return [state.stage, rows, ...figures(state)].join('  ')
}

/** `3.12 M rows/s` */
export function formatRate(perSecond: number, unit = 'rows'): string {
  if (perSecond >= 999_500) return `${(perSecond / 1e6).toPrecision(3)} M ${unit}/s`
  if (perSecond >= 999.5) return `${(perSecond / 1e3).toPrecision(3)} k ${unit}/s`
  return `${Math.round(perSecond)} ${unit}/s`
}

function figures(state: ProgressState): string[] {
  const parts: string[] = []
  if (state.rowsPerSecond !== undefined && Number.isFinite(state.rowsPerSecond))
    parts.push(formatRate(state.rowsPerSecond, state.unit))
  if (state.loss !== undefined && Number.isFinite(state.loss)) parts.push(`loss ${state.loss.toFixed(4)}`)
  if (state.best !== undefined) parts.push(`best ${state.best}`)
  if (state.secondsLeft !== undefined && Number.isFinite(state.secondsLeft))
    parts.push(`${formatLeft(state.secondsLeft)} left`)
  if (state.rssBytes !== undefined) parts.push(formatBytes(state.rssBytes()))
  return parts
}

/** An estimate: whole seconds are as much as it knows. */
function formatLeft(seconds: number): string {
  return seconds < 59.5 ? `${Math.ceil(seconds)} s` : formatSeconds(seconds)
}

function bar(share: number, width: number): string {
  const filled = Math.round(share * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
