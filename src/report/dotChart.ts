import { type Markup, markup } from './markup.ts'
import { marker, type PictureText, px, type Style, svg, WIDTH } from './picture.ts'
import { type Axis, scaleOf } from './scale.ts'

/** A named value, with its interval if it has one. */
export interface Dot {
  name: string
  value: number
  low?: number
  high?: number
  style: Style
}

export interface DotChart extends PictureText {
  axis: Axis
  format: (value: number) => string // of the values beside their names
  dots: readonly Dot[]
  isBar?: boolean // draws each value as a bar from 0, @default false: as a marker
}

const LINE = 38 // of one dot: its name, and below it where it is
const BELOW = 34
const SIDES: [number, number] = [18, WIDTH - 18]
const NAME_CHARS_MAX = 38

/** Values below one another, each under its name, so that long names have room on narrow screens. */
export function dotChart({ axis, format, dots, isBar = false, ...text }: DotChart): Markup {
  const values = dots.flatMap(({ value, low = value, high = value }) => [value, low, high])
  const scale = scaleOf(isBar ? [0, ...values] : values, axis, SIDES)
  const bottom = dots.length * LINE + 6
  const grid = scale.ticks.map((tick) => {
    const at = px(scale.at(tick))
    return markup`<path class="grid" d="M${at} 0V${bottom}"/><text class="tick" x="${at}" y="${bottom + 14}" text-anchor="middle">${axis.format(tick)}</text>\n`
  })
  const lines = dots.map(({ name, value, low, high, style }, i) => {
    const y = i * LINE + 28
    const at = scale.at(value)
    const start = scale.at(Math.max(scale.low, Math.min(0, scale.high)))
    const bar = isBar
      ? markup`<rect class="bar s${style}" x="${px(Math.min(start, at))}" y="${y - 6}" width="${px(Math.max(0.5, Math.abs(at - start)))}" height="12"><title>${`${name}: ${format(value)}`}</title></rect>`
      : marker(style, at, y, `${name}: ${format(value)}`)
    const whisker =
      low === undefined || high === undefined
        ? ''
        : markup`<path class="whisker${isBar ? '' : ` s${style}`}" d="M${px(scale.at(low))} ${y}H${px(scale.at(high))}M${px(scale.at(low))} ${y - 4}v8M${px(scale.at(high))} ${y - 4}v8"/>`
    return markup`<path class="grid" d="M${SIDES[0]} ${y}H${SIDES[1]}"/><text class="row" x="${SIDES[0]}" y="${y - 12}">${shortened(name)}</text><text class="row value" x="${SIDES[1]}" y="${y - 12}" text-anchor="end">${format(value)}</text>${isBar ? [bar, whisker] : [whisker, bar]}\n`
  })
  return svg(
    text,
    bottom + BELOW,
    markup`${grid}${lines}<text class="name" x="${SIDES[1]}" y="${bottom + 30}" text-anchor="end">${axis.label}</text>\n`,
  )
}

function shortened(name: string): string {
  const letters = Array.from(name)
  return letters.length > NAME_CHARS_MAX ? `${letters.slice(0, NAME_CHARS_MAX - 1).join('')}…` : name
}
