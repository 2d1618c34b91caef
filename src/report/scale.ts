/** How values become places between two ends, and which values are named there. */
export interface Scale {
  at: (value: number) => number
  ticks: number[]
  low: number
  high: number
}

/** What an axis shows. */
export interface Axis {
  label: string
  format: (value: number) => string
  low?: number // of the axis at least; default: the least value
  high?: number
  log?: boolean
  ticks?: number[] // default: round ones
}

const TICKS = 5 // about
const TICKS_MAX = 7
const ROUNDING = 1e-9
const WIDER_MAX = 50 // times

/**
 * The scale of an axis for `values` (finite; of a logarithmic one positive), from `start` to `end`, either
 * way. Without `low` or `high` its ends are round numbers that hold all values.
 */
export function scaleOf(values: readonly number[], axis: Axis, [start, end]: [number, number]): Scale {
  const least = values.reduce((a, b) => Math.min(a, b), axis.low ?? Number.POSITIVE_INFINITY)
  const greatest = values.reduce((a, b) => Math.max(a, b), axis.high ?? Number.NEGATIVE_INFINITY)
  const known = least <= greatest ? [least, greatest] : axis.log ? [1, 10] : [0, 1]
  return axis.log ? logScale(known, axis, [start, end]) : linearScale(known, axis, [start, end])
}

function linearScale(
  [least, greatest]: number[],
  { low, high, ticks, format }: Axis,
  [start, end]: [number, number],
): Scale {
  // One value alone, or values that hardly differ, get room on both sides.
  const size = Math.max(Math.abs(least), Math.abs(greatest))
  const isFlat = greatest - least <= Math.max(ROUNDING * size, ROUNDING)
  const margin = isFlat ? (size > ROUNDING ? 0.05 * size : 0.5) : 0
  const ends = (step: number) => ({
    step,
    from: low === least && margin === 0 ? least : step * Math.floor((least - margin) / step),
    to: high === greatest && margin === 0 ? greatest : step * Math.ceil((greatest + margin) / step),
  })
  let { step, from, to } = ends(roundStep((greatest - least + 2 * margin) / TICKS))
  if (ticks === undefined)
    // Two ticks of one name would tell nothing.
    for (let i = 0; i < WIDER_MAX && !areDistinct(stepsFrom(from, to, step).map(format)); i++)
      ({ step, from, to } = ends(roundStep(1.5 * step)))
  return {
    at: (value) => start + ((value - from) / (to - from)) * (end - start),
    ticks: ticks ?? stepsFrom(from, to, step),
    low: from,
    high: to,
  }
}

function areDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}

function logScale([least, greatest]: number[], { ticks }: Axis, [start, end]: [number, number]): Scale {
  const from = roundPlace(Math.floor(places(least) + ROUNDING))
  const to = roundPlace(Math.max(Math.ceil(places(greatest) - ROUNDING), Math.floor(places(least)) + 1))
  const steps = Array.from({ length: Math.round(places(to) - places(from)) + 1 }, (_, i) =>
    roundPlace(Math.round(places(from)) + i),
  )
  const powers = steps.filter((step) => Math.abs(Math.log10(step) % 1) < ROUNDING)
  const every = Math.ceil(powers.length / TICKS_MAX)
  return {
    at: (value) => start + (Math.log(value / from) / Math.log(to / from)) * (end - start),
    ticks: ticks ?? (steps.length <= TICKS_MAX ? steps : powers.filter((_, i) => i % every === 0)),
    low: from,
    high: to,
  }
}

/** 1, 2, 5, 10, 20, 50, … are places 0, 1, 2, …; what lies between two of them lies between their places. */
function places(value: number): number {
  const power = Math.floor(Math.log10(value) + ROUNDING)
  const rest = value / 10 ** power
  return 3 * power + (rest >= 5 ? 2 + (rest - 5) / 5 : rest >= 2 ? 1 + (rest - 2) / 3 : Math.max(0, rest - 1))
}

function roundPlace(place: number): number {
  const power = Math.floor(place / 3)
  return Number(`${[1, 2, 5][place - 3 * power]}e${power}`)
}

/** 1, 2, 2.5 or 5 times a power of ten, the next from `step` on. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= step * (1 - ROUNDING)) ?? 10
  return factor * power
}

function stepsFrom(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step - ROUNDING)
  const count = Math.floor(to / step + ROUNDING) - first + 1
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}
