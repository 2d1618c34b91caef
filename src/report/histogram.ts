import { type Markup, markup } from './markup.ts'
import {
  AREA,
  axes,
  type Guide,
  guideLines,
  HEIGHT,
  type PictureText,
  px,
  type Style,
  svg,
} from './picture.ts'
import { type Axis, type Scale, scaleOf } from './scale.ts'

export interface Bars {
  name: string
  style: Style
  values: readonly number[] // one for each bin, from 0 up
}

export interface Histogram extends PictureText {
  x: Axis
  y: Axis
  edges: readonly number[] // of the bins, one more than there are bins
  bars: readonly Bars[]
  guides?: readonly Guide[]
  gap?: number // between bars, @default 1
}

/** Bars of one series; of several, their outlines over one another. */
export function histogram({ x, y, edges, bars, guides = [], gap = 1, ...text }: Histogram): Markup {
  const { left, right, top, bottom } = AREA
  const ofGuides = (axis: 'x' | 'y') => guides.flatMap((guide) => (guide.axis === axis ? [guide.value] : []))
  const across = scaleOf([...edges, ...ofGuides('x')], x, [left, right])
  const values = bars.flatMap((one) => one.values)
  const up = scaleOf([...values, ...ofGuides('y')], { low: 0, ...y }, [bottom, top])
  const shapes =
    bars.length === 1
      ? singleBars(bars[0], edges, across, up, { gap, x, y })
      : bars.map((one) => outline(one, edges, across, up))
  return svg(
    text,
    HEIGHT,
    markup`${axes({ axis: x, scale: across }, { axis: y, scale: up })}${shapes}${guideLines(guides, across, up)}`,
  )
}

function singleBars(
  { name, style, values }: Bars,
  edges: readonly number[],
  x: Scale,
  y: Scale,
  how: { gap: number; x: Axis; y: Axis },
): Markup[] {
  return values.map((value, i) => {
    const start = x.at(edges[i]) + how.gap / 2
    const width = Math.max(0.5, x.at(edges[i + 1]) - x.at(edges[i]) - how.gap)
    const height = y.at(y.low) - y.at(value)
    const tip = `${name}, ${how.x.label} ${how.x.format(edges[i])} to ${how.x.format(edges[i + 1])}: ${how.y.format(value)}`
    return markup`<rect class="bar s${style}" x="${px(start)}" y="${px(y.at(value))}" width="${px(width)}" height="${px(height)}"><title>${tip}</title></rect>\n`
  })
}

function outline({ style, values }: Bars, edges: readonly number[], x: Scale, y: Scale): Markup {
  const floor = px(y.at(y.low))
  const steps = values.map((value, i) => `V${px(y.at(value))}H${px(x.at(edges[i + 1]))}`).join('')
  return markup`<path class="area s${style}" d="M${px(x.at(edges[0]))} ${floor}${steps}V${floor}z"/>\n`
}
