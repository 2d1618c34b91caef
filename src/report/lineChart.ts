import { type Markup, markup } from './markup.ts'
import {
  AREA,
  axes,
  type Guide,
  guideLines,
  HEIGHT,
  marker,
  type PictureText,
  px,
  type Style,
  svg,
} from './picture.ts'
import { type Axis, type Scale, scaleOf } from './scale.ts'

export interface LinePoint {
  x: number
  y: number | null // null: the line has a gap
  low?: number // of an interval around y
  high?: number
}

export interface Line {
  name: string
  style: Style
  points: readonly LinePoint[]
  markers?: boolean // @default false: only a line
}

export interface LineChart extends PictureText {
  x: Axis
  y: Axis
  lines: readonly Line[]
  guides?: readonly Guide[]
  diagonal?: string // the name of the line y = x
}

/** Lines over one another, in a frame with axes. */
export function lineChart({ x, y, lines, guides = [], diagonal, ...text }: LineChart): Markup {
  const { left, right, top, bottom } = AREA
  const points = lines.flatMap((line) => line.points)
  const ofGuides = (axis: 'x' | 'y') => guides.flatMap((guide) => (guide.axis === axis ? [guide.value] : []))
  const across = scaleOf([...points.map((point) => point.x), ...ofGuides('x')], x, [left, right])
  const up = scaleOf([...points.flatMap(heights), ...ofGuides('y')], y, [bottom, top])
  return svg(
    text,
    HEIGHT,
    markup`${axes({ axis: x, scale: across }, { axis: y, scale: up })}${diagonal === undefined ? '' : diagonalLine(diagonal, across, up)}${lines.map((line) => drawn(line, across, up, { x, y }))}${guideLines(guides, across, up)}`,
  )
}

function heights({ y, low, high }: LinePoint): number[] {
  return [y, low, high].filter((value) => typeof value === 'number')
}

function drawn(line: Line, x: Scale, y: Scale, axis: { x: Axis; y: Axis }): Markup {
  const { style, points } = line
  const whiskers = points.flatMap(({ x: at, low, high }) =>
    low === undefined || high === undefined
      ? []
      : [markup`<path class="whisker s${style}" d="M${px(x.at(at))} ${px(y.at(low))}V${px(y.at(high))}"/>\n`],
  )
  const isAlone = (i: number) => (points[i - 1]?.y ?? null) === null && (points[i + 1]?.y ?? null) === null
  const markers = points.flatMap(({ x: at, y: value }, i) =>
    value !== null && (line.markers || isAlone(i))
      ? [
          marker(
            style,
            x.at(at),
            y.at(value),
            `${line.name}, ${axis.x.label} ${axis.x.format(at)}: ${axis.y.format(value)}`,
          ),
          markup`\n`,
        ]
      : [],
  )
  return markup`${whiskers}<path class="line s${style}" d="${pathOf(points, x, y)}"/>
${markers}`
}

/** `M… L… L…`, and an M again behind each gap. */
function pathOf(points: readonly LinePoint[], x: Scale, y: Scale): string {
  let isOn = false
  const parts = points.map(({ x: at, y: value }) => {
    const command = isOn ? 'L' : 'M'
    isOn = value !== null
    return value === null ? '' : `${command}${px(x.at(at))} ${px(y.at(value))}`
  })
  return parts.join('')
}

function diagonalLine(name: string, x: Scale, y: Scale): Markup {
  const [low, high] = [Math.max(x.low, y.low), Math.min(x.high, y.high)]
  if (!(low < high)) return markup``
  return markup`<path class="guide" d="M${px(x.at(low))} ${px(y.at(low))}L${px(x.at(high))} ${px(y.at(high))}"><title>${name}</title></path>\n`
}
