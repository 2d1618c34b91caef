import { type Markup, markup, type Part } from './markup.ts'
import type { Axis, Scale } from './scale.ts'

export const WIDTH = 400 // of every picture, in its own units: about the pixels of a narrow column
export const HEIGHT = 250
/** Where the axes are; names of ticks, and of the axes, are around it. */
export const AREA = { left: 52, right: 386, top: 30, bottom: 204 }

const NOTE = 15 // of a line of notes

/** Colour, dash and marker, which always come together: none of them is needed to tell lines apart. */
export type Style = 1 | 2 | 3 | 4

/** What every picture has. */
export interface PictureText {
  id: string // of the page, unique
  title: string
  description: string // what is to be seen, for those who do not see it
}

/** A straight line across the picture at one value. */
export interface Guide {
  axis: 'x' | 'y'
  value: number
  name: string
  style?: Style
}

export function svg({ id, title, description }: PictureText, height: number, content: Part): Markup {
  return markup`<svg class="picture" role="img" viewBox="0 0 ${WIDTH} ${height}" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${content}</svg>
`
}

/** Grid, names of ticks and of both axes. */
export function axes(x: { axis: Axis; scale: Scale }, y: { axis: Axis; scale: Scale }): Markup {
  const { left, right, top, bottom } = AREA
  const across = y.scale.ticks.map((tick) => {
    const at = px(y.scale.at(tick))
    return markup`<path class="grid" d="M${left} ${at}H${right}"/><text class="tick" x="${left - 7}" y="${at}" dy="0.34em" text-anchor="end">${y.axis.format(tick)}</text>\n`
  })
  const below = x.scale.ticks.map((tick) => {
    const at = px(x.scale.at(tick))
    return markup`<path class="axis" d="M${at} ${bottom}v4"/><text class="tick" x="${at}" y="${bottom + 18}" text-anchor="middle">${x.axis.format(tick)}</text>\n`
  })
  return markup`${across}${below}<path class="axis" d="M${left} ${bottom}H${right}"/>
<text class="name" x="2" y="${top - 16}">${y.axis.label}</text>
<text class="name" x="${right}" y="${bottom + 38}" text-anchor="end">${x.axis.label}</text>
`
}

/** Guides with their names; one that lies outside is left out. */
export function guideLines(guides: readonly Guide[], x: Scale, y: Scale): Markup[] {
  const inside = guides.filter(({ axis, value }) => {
    const { low, high } = axis === 'x' ? x : y
    return value >= low && value <= high
  })
  const upright = inside.filter(({ axis }) => axis === 'x').toSorted((a, b) => a.value - b.value)
  return inside.map((guide) =>
    guide.axis === 'x' ? uprightLine(guide, x, upright.indexOf(guide)) : levelLine(guide, y),
  )
}

function levelLine({ value, name, style }: Guide, scale: Scale): Markup {
  const { left, right, top } = AREA
  const at = scale.at(value)
  const text = at - top > NOTE ? at - 5 : at + NOTE - 1
  return markup`<path class="${lookOf(style)}" d="M${left} ${px(at)}H${right}"/><text class="note" x="${right}" y="${px(text)}" text-anchor="end">${name}</text>\n`
}

/** Each name stands a line lower than the one before, so that none covers another. */
function uprightLine({ value, name, style }: Guide, scale: Scale, place: number): Markup {
  const { left, right, top, bottom } = AREA
  const at = scale.at(value)
  const side = at < left + 50 ? 'start' : at > right - 50 ? 'end' : 'middle'
  return markup`<path class="${lookOf(style)}" d="M${px(at)} ${top}V${bottom}"/><text class="note" x="${px(at)}" y="${top - 4 + place * NOTE}" text-anchor="${side}">${name}</text>\n`
}

function lookOf(style: Style | undefined): string {
  return style === undefined ? 'guide' : `guide s${style}`
}

/** The marker of a style around a place; a title shows when the pointer rests on it. */
export function marker(style: Style, x: number, y: number, title = ''): Markup {
  const shape = [
    'm-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z',
    'm-3.2 -3.2h6.4v6.4h-6.4z',
    'm0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z',
    'm0 -4.4l4.4 7.6h-8.8z',
  ][style - 1]
  const tip = title === '' ? '' : markup`<title>${title}</title>`
  return markup`<path class="marker s${style}" d="M${px(x)} ${px(y)}${shape}">${tip}</path>`
}

/** What the styles of a picture stand for. */
export function legend(entries: readonly { name: string; style: Style; filled?: boolean }[]): Markup {
  const items = entries.map(({ name, style, filled }) => {
    const swatch = filled
      ? markup`<rect class="bar s${style}" x="2" y="1" width="24" height="10"/>`
      : markup`<path class="line s${style}" d="M1 6H27"/>${marker(style, 14, 6)}`
    return markup`<li><svg aria-hidden="true" viewBox="0 0 28 12">${swatch}</svg> ${name}</li>`
  })
  return markup`<ul class="legend">${items}</ul>\n`
}

/** A place in a picture: two digits are a fiftieth of a pixel. */
export function px(value: number): string {
  return String(Number(value.toFixed(2)))
}
