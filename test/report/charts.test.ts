import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dotChart } from '../../src/report/dotChart.ts'
import { histogram } from '../../src/report/histogram.ts'
import { lineChart } from '../../src/report/lineChart.ts'
import type { Markup } from '../../src/report/markup.ts'
import { type Element, elements, hasClass, parseXml, textOf } from './xml.ts'

const text = { id: 'one', title: 'A picture', description: 'What it shows.' }
const x = { label: 'x', format: String }
const y = { label: 'y', format: String }

/** What a place on an axis means, told by two of its ticks alone. */
function readerOf(root: Element, axis: 'x' | 'y', log = false): (at: number) => number {
  const ticks = elements(root, 'text')
    .filter((one) => hasClass(one, 'tick') && (one.attributes['text-anchor'] === 'end') === (axis === 'y'))
    .map((one) => ({ at: Number(one.attributes[axis]), value: Number(textOf(one)) }))
  const [first, last] = [ticks[0], ticks[ticks.length - 1]]
  const of = (value: number) => (log ? Math.log(value) : value)
  return (at) => {
    const value =
      of(first.value) + ((at - first.at) / (last.at - first.at)) * (of(last.value) - of(first.value))
    return log ? Math.exp(value) : value
  }
}

function parsed(picture: Markup): Element {
  return parseXml(picture.toString())
}

function only(root: Element, name: string, look: string): Element {
  const found = elements(root, name).filter((one) => hasClass(one, look))
  assert.equal(found.length, 1, `${name}.${look}`)
  return found[0]
}

/** The points of a path of M and L. */
function pointsOf(path: Element): { command: string; x: number; y: number }[] {
  return Array.from(path.attributes.d.matchAll(/([ML])(-?[\d.]+) (-?[\d.]+)/g), ([, command, left, top]) => ({
    command,
    x: Number(left),
    y: Number(top),
  }))
}

function assertNear(found: number, wanted: number, range: number, what: string): void {
  assert.ok(Math.abs(found - wanted) < 0.001 * range, `${what}: ${found} for ${wanted}`)
}

describe('pictures', () => {
  test('have a role, a title and a description that they point to', () => {
    const { attributes, children } = parsed(lineChart({ ...text, x, y, lines: [] }))
    assert.equal(attributes.role, 'img')
    const named = children.filter((child): child is Element => typeof child !== 'string').slice(0, 2)
    assert.deepEqual(
      named.map((one) => [one.name, one.attributes.id, textOf(one)]),
      [
        ['title', 'one-title', 'A picture'],
        ['desc', 'one-desc', 'What it shows.'],
      ],
    )
    assert.equal(attributes['aria-labelledby'], 'one-title one-desc')
  })

  test('a line passes through its points, and is broken where there is none', () => {
    const points = [3, 5.5, null, 9.25, 2].map((value, i) => ({ x: 2 * i, y: value }))
    const root = parsed(lineChart({ ...text, x, y, lines: [{ name: 'a', style: 1, points }] }))
    const [left, up] = [readerOf(root, 'x'), readerOf(root, 'y')]
    const drawn = pointsOf(only(root, 'path', 'line'))
    assert.equal(drawn.map(({ command }) => command).join(''), 'MLML')
    for (const [i, point] of points.filter((one) => one.y !== null).entries()) {
      assertNear(left(drawn[i].x), point.x, 8, 'x')
      assertNear(up(drawn[i].y), Number(point.y), 8, 'y')
    }
  })

  test('a logarithmic axis, guides and intervals lie where their values are', () => {
    const points = [
      { x: 1, y: 0.4, low: 0.2, high: 0.9 },
      { x: 2, y: 30, low: 11, high: 70 },
    ]
    const root = parsed(
      lineChart({
        ...text,
        x,
        y: { ...y, log: true },
        lines: [{ name: 'a', style: 2, points, markers: true }],
        guides: [
          { axis: 'y', value: 20, name: 'limit', style: 2 },
          { axis: 'x', value: 1.5, name: 'here' },
          { axis: 'x', value: 2, name: 'there' },
        ],
      }),
    )
    const [left, up] = [readerOf(root, 'x'), readerOf(root, 'y', true)]
    const drawn = pointsOf(only(root, 'path', 'line'))
    for (const [i, point] of points.entries())
      assertNear(Math.log(up(drawn[i].y)), Math.log(point.y), 6, 'log y')
    const whiskers = elements(root, 'path').filter((one) => hasClass(one, 'whisker'))
    for (const [i, { attributes }] of whiskers.entries()) {
      const [, at, from, to] = /^M([\d.]+) ([\d.]+)V([\d.]+)$/.exec(attributes.d) ?? []
      assertNear(left(Number(at)), points[i].x, 1, 'x of an interval')
      assertNear(Math.log(up(Number(from))), Math.log(points[i].low), 6, 'low')
      assertNear(Math.log(up(Number(to))), Math.log(points[i].high), 6, 'high')
    }
    assert.equal(whiskers.length, 2)
    const guides = elements(root, 'path').filter((one) => hasClass(one, 'guide'))
    assertNear(Math.log(up(Number(/ ([\d.]+)H/.exec(guides[0].attributes.d)?.[1]))), Math.log(20), 6, 'limit')
    assertNear(left(Number(/^M([\d.]+) /.exec(guides[1].attributes.d)?.[1])), 1.5, 1, 'here')
    const notes = elements(root, 'text').filter((one) => hasClass(one, 'note'))
    assert.deepEqual(notes.map(textOf), ['limit', 'here', 'there'])
    assert.notEqual(
      notes[1].attributes.y,
      notes[2].attributes.y,
      'names of neighbours do not cover one another',
    )
  })

  test('bars are as high as their values, and as wide as their bins', () => {
    const values = [2, 0, 7.5, 4]
    const edges = [0, 10, 20, 30, 40]
    const root = parsed(histogram({ ...text, x, y, edges, bars: [{ name: 'a', style: 1, values }], gap: 0 }))
    const [left, up] = [readerOf(root, 'x'), readerOf(root, 'y')]
    const bars = elements(root, 'rect')
    assert.equal(bars.length, values.length)
    for (const [i, { attributes }] of bars.entries()) {
      const [at, top, width, height] = ['x', 'y', 'width', 'height'].map((name) => Number(attributes[name]))
      assertNear(left(at), edges[i], 40, 'start')
      assertNear(left(at + width), edges[i + 1], 40, 'end')
      assertNear(up(top), values[i], 8, 'height')
      assertNear(up(top + height), 0, 8, 'floor')
    }
  })

  test('of several series, each outline is as high as its values', () => {
    const edges = [1, 2, 3, 4]
    const series = [
      [1, 4, 2],
      [3, 0, 5],
    ]
    const bars = series.map((values, i) => ({ name: `${i}`, style: ([1, 2] as const)[i], values }))
    const root = parsed(histogram({ ...text, x, y, edges, bars }))
    const up = readerOf(root, 'y')
    for (const [i, values] of series.entries()) {
      const { d } = only(root, 'path', `s${i + 1}`).attributes
      const heights = Array.from(d.matchAll(/V([\d.]+)H/g), ([, top]) => up(Number(top)))
      for (const [bin, value] of values.entries()) assertNear(heights[bin], value, 5, `${i}, ${bin}`)
    }
  })

  test('dots and bars stand at their values, under their names, which are cut if they are long', () => {
    const dots = [
      { name: 'first', value: 0.25, low: 0.2, high: 0.31, style: 1 as const },
      { name: 'x'.repeat(60), value: -0.1, style: 2 as const },
    ]
    const plain = (value: number) => value.toFixed(2)
    for (const isBar of [false, true]) {
      const root = parsed(dotChart({ ...text, axis: x, format: plain, dots, isBar }))
      const ticks = elements(root, 'text').filter((one) => hasClass(one, 'tick'))
      const [a, b] = [ticks[0], ticks[ticks.length - 1]].map((one) => ({
        at: Number(one.attributes.x),
        value: Number(textOf(one)),
      }))
      const read = (at: number) => a.value + ((at - a.at) / (b.at - a.at)) * (b.value - a.value)
      if (isBar) {
        const [bar, below] = elements(root, 'rect').map(({ attributes }) => attributes)
        assertNear(read(Number(bar.x)), 0, 1, 'from 0')
        assertNear(read(Number(bar.x) + Number(bar.width)), 0.25, 1, 'to its value')
        assertNear(read(Number(below.x)), -0.1, 1, 'below 0')
      } else {
        const markers = elements(root, 'path').filter((one) => hasClass(one, 'marker'))
        const at = markers.map(({ attributes }) => read(Number(/^M([\d.]+) /.exec(attributes.d)?.[1])))
        assertNear(at[0], 0.25, 1, 'first')
        assertNear(at[1], -0.1, 1, 'second')
      }
      const [, low, high] = /^M([\d.]+) \d+H([\d.]+)/.exec(only(root, 'path', 'whisker').attributes.d) ?? []
      assertNear(read(Number(low)), 0.2, 1, 'low')
      assertNear(read(Number(high)), 0.31, 1, 'high')
      const names = elements(root, 'text').filter((one) => hasClass(one, 'row') && !hasClass(one, 'value'))
      assert.deepEqual(names.map(textOf), ['first', `${'x'.repeat(37)}…`])
    }
  })
})
