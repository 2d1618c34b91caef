/** A point of a line; without a y, the line breaks there. */
export type Point = readonly [x: number, y: number | null]

/** Round numbers, about `count` steps: the first is at most `min`, the last at least `max`. */
export function niceTicks(min: number, max: number, count: number): number[] {
  const span = max > min ? max - min : Math.abs(max) || 1
  const step = niceStep(span / count)
  const first = Math.floor(min / step + 1e-9)
  const last = Math.max(first + 1, Math.ceil(max / step - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** 1, 2 or 5 times a power of ten, not below `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= step * (1 - 1e-9)) ?? step
}

/** The path of a line in SVG; a lone point becomes a dot, if the line's ends are round. */
export function linePath(
  points: readonly Point[],
  toX: (x: number) => number,
  toY: (y: number) => number,
): string {
  let path = ''
  let isDrawing = false
  for (const [i, [x, y]] of points.entries()) {
    if (y !== null) {
      path += `${isDrawing ? 'L' : 'M'}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`
      if (!isDrawing && (points[i + 1]?.[1] ?? null) === null) path += 'h0'
    }
    isDrawing = y !== null
  }
  return path
}

/** The position of the point that has a y and is nearest to `x`; -1: there is none. */
export function nearestPoint(points: readonly Point[], x: number): number {
  let nearest = -1
  for (const [i, [at, y]] of points.entries())
    if (y !== null && (nearest < 0 || Math.abs(at - x) < Math.abs(points[nearest][0] - x))) nearest = i
  return nearest
}
