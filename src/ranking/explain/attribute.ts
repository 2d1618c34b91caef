import type { EffectiveLayer } from '../../model/foldNetwork.ts'

const PIECES_MAX = 64
const PRODUCTS_MAX = 2 ** 26 // multiply-adds of one attribution: 0.1 s

/** How much each input moved the logit on its way from one row of inputs to another. */
export interface Attribution {
  start: number // the logit of the first row
  end: number // that of the second
  effects: Float64Array // [inputs]; together they are end − start, but for rounding
}

/**
 * Integrated gradients (Sundararajan, Taly and Yan, 2017) along the straight line from one row of inputs to
 * another, through a folded network, in float64.
 *
 * The line is cut into pieces. On each, a ReLU counts as the chord between its values at the two ends, so the
 * effects of a piece add up to what the logit changes on it, however long it is. The chord of a unit of
 * the first layer is the mean of its gradient, so with one hidden layer, or none, one piece gives the
 * integral exactly. Behind further layers it is what is left out that two units change sign within the same
 * piece, which becomes less with more pieces: 64, or as many as fit `PRODUCTS_MAX`.
 */
export function attribute(
  layers: readonly EffectiveLayer[],
  from: Float64Array,
  to: Float64Array,
): Attribution {
  const [first, ...upper] = layers
  const start = valuesOf(first, from)
  const end = valuesOf(first, to)
  const pieces = piecesFor(upper)
  const gradient = new Float64Array(first.outputs)
  const at = new Float64Array(first.outputs)
  let before = forward(upper, start)
  const baseline = before[upper.length][0]
  for (let piece = 1; piece <= pieces; piece++) {
    const share = piece / pieces
    for (const [unit, value] of start.entries()) at[unit] = value + share * (end[unit] - value)
    const after = forward(upper, piece === pieces ? end : at)
    const slopes = chordGradient(upper, before, after)
    for (const [unit, slope] of slopes.entries()) gradient[unit] += slope / pieces
    before = after
  }
  const effects = new Float64Array(first.inputs)
  for (let i = 0; i < first.inputs; i++) {
    const moved = to[i] - from[i]
    if (moved === 0) continue
    let slope = 0
    for (let unit = 0; unit < first.outputs; unit++)
      slope += gradient[unit] * first.weight[unit * first.inputs + i]
    effects[i] = slope * moved
  }
  return { start: baseline, end: before[upper.length][0], effects }
}

/** Into how many pieces the line is cut, by the layers behind the first one. */
function piecesFor(upper: readonly EffectiveLayer[]): number {
  if (upper.length < 2) return 1
  const products = upper.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0)
  return Math.max(1, Math.min(PIECES_MAX, Math.floor(PRODUCTS_MAX / (2 * products))))
}

/** The values of each layer before its ReLU, those of the first one given and copied. */
function forward(upper: readonly EffectiveLayer[], first: Float64Array): Float64Array[] {
  const values: Float64Array[] = [first.slice()]
  for (const [l, layer] of upper.entries()) values.push(valuesOf(layer, values[l].map(relu)))
  return values
}

/** The gradient of the logit by the first layer's values, each ReLU being its chord between two points. */
function chordGradient(
  upper: readonly EffectiveLayer[],
  before: readonly Float64Array[],
  after: readonly Float64Array[],
): Float64Array {
  let gradient = Float64Array.of(1)
  for (let l = upper.length - 1; l >= 0; l--) {
    const { inputs, outputs, weight } = upper[l]
    const below = new Float64Array(inputs)
    for (let o = 0; o < outputs; o++) {
      if (gradient[o] === 0) continue
      for (let i = 0; i < inputs; i++) below[i] += gradient[o] * weight[o * inputs + i]
    }
    gradient = below.map((value, i) => value * chord(before[l][i], after[l][i]))
  }
  return gradient
}

/** The slope of the ReLU's chord between two values. */
function chord(a: number, b: number): number {
  if (a <= 0 && b <= 0) return 0
  if (a >= 0 && b >= 0) return 1
  return Math.max(a, b) / Math.abs(b - a)
}

function valuesOf({ inputs, outputs, weight, bias }: EffectiveLayer, x: Float64Array): Float64Array {
  const values = new Float64Array(outputs)
  for (let o = 0; o < outputs; o++) {
    let sum = bias[o]
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[i]
    values[o] = sum
  }
  return values
}

function relu(value: number): number {
  return Math.max(0, value)
}
