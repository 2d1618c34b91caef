import { useId, useRef, useState } from 'preact/hooks'
import { linePath, nearestPoint, niceTicks, type Point } from './scale.ts'
import { useWidth } from './useWidth.ts'

export interface Series {
  name: string // '': the only one, which the title tells
  points: readonly Point[] // by rising x
}

/** Where a value lies, as far as is known. */
export interface Span {
  x: number
  low: number
  high: number
}

export interface LineChartProps {
  title: string
  series: readonly Series[] // up to 4
  spans?: readonly Span[] // of the first series, @default none
  from: number // left end of the x axis
  to: number
  fromLabel: string
  toLabel: string
  format: (y: number) => string
  formatX: (x: number) => string // of the point that is pointed at
  min?: number // of the y axis, @default 0; NaN: as the values are
  maxAtLeast?: number // so that noise near 0 does not fill the chart
  height?: number // pixels, @default 120
}

const TICKS = 3
const PAD = { top: 8, bottom: 22, right: 4 }
const SPAN_HALF = 3 // of the bar at its ends
const LABEL_CHAR_WIDTH = 6.3 // of a tick's label, at most on average

/** Lines over time or epochs, with their latest values, or those that are pointed at. */
export function LineChart(props: LineChartProps) {
  const { title, series, spans = [], from, to, format, height = 120 } = props
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const titleId = useId()
  const [pointedX, setPointedX] = useState<number | null>(null)
  const ticks = ticksOf(props)
  const [bottom, top] = [ticks[0], ticks[ticks.length - 1]]
  const left = Math.ceil(8 + LABEL_CHAR_WIDTH * Math.max(...ticks.map((tick) => format(tick).length)))
  const right = Math.max(left, width - PAD.right)
  const toX = (x: number) => left + ((right - left) * (x - from)) / (to - from || 1)
  const toY = (y: number) => PAD.top + (height - PAD.top - PAD.bottom) * (1 - (y - bottom) / (top - bottom))
  const shown = series.map(({ points }) => shownPoint(points, pointedX))
  const pointed = pointedX === null ? undefined : shown.find((point) => point !== undefined)
  const point = (event: PointerEvent) => {
    const at = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left
    setPointedX(from + ((at - left) / (right - left || 1)) * (to - from))
  }
  return (
    <figure class="chart" aria-labelledby={titleId}>
      <figcaption class={series.length > 1 ? 'chart-head stacked' : 'chart-head'}>
        <p id={titleId} class="chart-title">
          {title}
        </p>
        <p class="chart-values">
          {series.map(({ name }, i) => (
            <span key={name} class="chart-value">
              {series.length > 1 && <Swatch at={i} />}
              {name !== '' && `${name} `}
              <b>{shown[i]?.[1] == null ? '–' : format(shown[i][1])}</b>
            </span>
          ))}
        </p>
      </figcaption>
      <div ref={frame} class="chart-frame">
        <svg
          role="img"
          aria-label={summaryOf(props)}
          width={width}
          height={height}
          onPointerMove={point}
          onPointerLeave={() => setPointedX(null)}
        >
          {ticks.map((tick) => (
            <g key={tick} class="chart-tick">
              <line x1={left} x2={right} y1={toY(tick)} y2={toY(tick)} />
              <text x={left - 6} y={toY(tick) + 4} text-anchor="end">
                {format(tick)}
              </text>
            </g>
          ))}
          <text class="chart-end" x={left} y={height - 5}>
            {props.fromLabel}
          </text>
          <text class="chart-end" x={right} y={height - 5} text-anchor="end">
            {props.toLabel}
          </text>
          {spans.map(({ x, low, high }, i) => (
            <path key={i} class="chart-span" d={spanPath(toX(x), toY(low), toY(high))} />
          ))}
          {series.map(({ name, points }, i) => (
            <path key={name} class={`chart-line series-${i + 1}`} d={linePath(points, toX, toY)} />
          ))}
          {pointed && (
            <g class="chart-pointed">
              <line x1={toX(pointed[0])} x2={toX(pointed[0])} y1={PAD.top} y2={height - PAD.bottom} />
              <PointedLabel x={toX(pointed[0])} y={PAD.top + 10} middle={(left + right) / 2}>
                {props.formatX(pointed[0])}
              </PointedLabel>
            </g>
          )}
        </svg>
      </div>
    </figure>
  )
}

/** A line from one end to the other, with a bar across each. */
function spanPath(x: number, low: number, high: number): string {
  return `M${x - SPAN_HALF} ${low}H${x + SPAN_HALF}M${x} ${low}V${high}M${x - SPAN_HALF} ${high}H${x + SPAN_HALF}`
}

/** On the side of the line where there is more room. */
function PointedLabel({
  x,
  y,
  middle,
  children,
}: {
  x: number
  y: number
  middle: number
  children: string
}) {
  const isRight = x > middle
  return (
    <text x={isRight ? x - 5 : x + 5} y={y} text-anchor={isRight ? 'end' : 'start'}>
      {children}
    </text>
  )
}

function Swatch({ at }: { at: number }) {
  return (
    <svg class="chart-swatch" width="18" height="8" aria-hidden="true">
      <path class={`chart-line series-${at + 1}`} d="M1 4H17" />
    </svg>
  )
}

/** The latest point, or the one nearest to where the pointer is. */
function shownPoint(points: readonly Point[], x: number | null): Point | undefined {
  if (x === null) return points.at(-1)
  return points[nearestPoint(points, x)]
}

function ticksOf({ series, spans = [], min = 0, maxAtLeast = 0 }: LineChartProps): number[] {
  const values = [
    ...series.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y]))),
    ...spans.flatMap(({ low, high }) => [low, high]),
  ]
  if (Number.isNaN(min))
    return values.length === 0 ? [0, 1] : niceTicks(Math.min(...values), Math.max(...values), TICKS)
  return niceTicks(min, Math.max(maxAtLeast, ...values, min), TICKS)
}

/** What the lines show, in a sentence: for those who do not see them. */
function summaryOf({ title, series, format, fromLabel, toLabel }: LineChartProps): string {
  const told = series.map(({ name, points }) => {
    const values = points.flatMap(([, y]) => (y === null ? [] : [y]))
    const last = values.at(-1)
    if (last === undefined) return `${name} nothing yet`
    return `${name} last ${format(last)}, lowest ${format(Math.min(...values))}, highest ${format(Math.max(...values))}`
  })
  return `${title}, ${fromLabel} to ${toLabel}: ${told.join('; ')}`.replaceAll(/ {2,}/g, ' ')
}
