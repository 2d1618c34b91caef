import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parsePrometheusText } from '../../../src/console/live/prometheusText.ts'

test('samples are read with their labels, values, and without their times', () => {
  const metrics = parsePrometheusText(
    [
      '# HELP a Text with {braces="1"} 5',
      '# TYPE a counter',
      'a{status="200"} 12',
      'a{status="503",thread="2",} 1.5e3 1700000000000',
      'a 3',
      'b:c_total +Inf',
      'b:c_total\t-Inf',
      'b:c_total NaN',
      String.raw`escaped{text="a\"}b, c=\"d\" \\ \n" } -.5`,
      '',
    ].join('\n'),
  )
  const told = [...metrics].map(([name, samples]) => [
    name,
    samples.map(({ labels, value }) => [Object.fromEntries(labels), value]),
  ])
  assert.deepEqual(told, [
    [
      'a',
      [
        [{ status: '200' }, 12],
        [{ status: '503', thread: '2' }, 1500],
        [{}, 3],
      ],
    ],
    [
      'b:c_total',
      [
        [{}, Infinity],
        [{}, -Infinity],
        [{}, Number.NaN],
      ],
    ],
    ['escaped', [[{ text: 'a"}b, c="d" \\ \n' }, -0.5]]],
  ])
})

test('lines that are no samples are left out, and take nothing with them', () => {
  const hostile = [
    'a',
    'a ',
    '1a 1',
    'a{x="1" 1',
    'a{x=1} 1',
    'a{x="1""} 1',
    'a{="1"} 1',
    'a 0x10',
    'a 1e',
    'a 1_000',
    'a infinity',
    'a one',
    'a 1 later',
    '<html>502 Bad Gateway</html>',
    '{"status": 500}',
    `a{x="${'y'.repeat(5000)}"} 1`,
  ]
  for (const line of hostile)
    assert.deepEqual(
      [...parsePrometheusText(`before 1\n${line}\nafter 2\n`).keys()],
      ['before', 'after'],
      line,
    )
  assert.deepEqual(
    [...parsePrometheusText('__proto__ 1\nconstructor{__proto__="x"} 2').keys()],
    ['__proto__', 'constructor'],
  )
})

test('no text is too much: it ends at 10,000 samples, and no line takes long', () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `m${i % 7} ${i}`)
  const read = [...parsePrometheusText(lines.join('\n')).values()].flat()
  assert.equal(read.length, 10_000)
  assert.equal(read.find(({ value }) => value === 9999)?.value, 9999)
  // Each would take an expression that goes back and forth seconds.
  for (const part of ['} ', '\\"', '"\\', ' \t', '{', '",x="', '} 1 '])
    parsePrometheusText(`a{x="${part.repeat(1000)}\n`.repeat(100))
})

test('what is written is read', () => {
  const label = fc.tuple(fc.stringMatching(/^[a-z_]\w{0,5}$/), fc.string())
  fc.assert(
    fc.property(fc.array(label, { maxLength: 4 }), fc.double(), (labels, value) => {
      const own = new Map(labels)
      const escape = (text: string) =>
        text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
      const told = Array.from(own, ([name, text]) => `${name}="${escape(text)}"`).join(',')
      const shown = Number.isNaN(value) ? 'NaN' : String(value).replace('Infinity', 'Inf')
      const [sample] = parsePrometheusText(`m{${told}} ${shown}\n`).get('m') ?? []
      assert.deepEqual([...sample.labels], [...own])
      assert.ok(Object.is(sample.value, value) || sample.value === value)
    }),
  )
})
