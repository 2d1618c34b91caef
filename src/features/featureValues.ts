/** Half a unit above the largest float32: what is nearer to zero rounds to a finite one. */
export const FLOAT32_BOUND = 2 ** 128 - 2 ** 103

/** The first of `values` from `start` (included) to `end` (not) that is NaN or infinite; −1: none is. */
export function firstNotFinite(values: Float32Array, start = 0, end = values.length): number {
  let zero = 0 // stays 0 unless a value is not finite; ten times as fast as to look at each
  for (let i = start; i < end; i++) zero += values[i] - values[i]
  if (zero === 0) return -1
  let first = start
  while (Number.isFinite(values[first])) first++
  return first
}

/** What is wrong with a row's vector of features; undefined: nothing. */
export function vectorProblem(features: Float32Array, width: number): string | undefined {
  if (features.length !== width) return `features must be ${width} numbers, found ${features.length}`
  const bad = firstNotFinite(features)
  return bad === -1 ? undefined : `feature ${bad} must be finite as a 32-bit float, found ${features[bad]}`
}

/** The shortest decimal that reads back as the same float32: 0.1 and not 0.10000000149011612. */
export function shortestFloat32(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
