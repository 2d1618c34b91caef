import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { renderTable } from '../../src/cli/output/table.ts'
import { importanceFigures } from '../../src/training/importance/importanceText.ts'
import type { Importance } from '../../src/training/importance/measure.ts'
import { formatBytes, formatCount, formatSeconds } from '../../src/format.ts'

describe('tables', () => {
  test('text to the left, numbers to the right', () => {
    const table = renderTable(
      ['name', 'rows'],
      [
        ['a', '1,234'],
        ['longer', '7'],
        ['✓', ''],
      ],
      ['left', 'right'],
    )
    assert.equal(table, ['name     rows', '──────  ─────', 'a       1,234', 'longer      7', '✓'].join('\n'))
  })

  test('every cell begins or ends where its column does', () => {
    const cell = fc.stringMatching(/^[a-z✓–0-9]{1,9}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 9 }), (rows) => {
        const lines = renderTable([], rows, ['right', 'left']).split('\n')
        const width = Math.max(...rows.map(([first]) => first.length))
        for (const [i, [first, second]] of rows.entries())
          assert.equal(lines[i], `${first.padStart(width)}  ${second}`)
      }),
    )
  })

  test('a line break in a cell does not end its line', () => {
    const table = renderTable(['by city', 'rows'], [['Lima\n\u001b[2KCusco', '7']], ['left', 'right'])
    assert.deepEqual(table.split('\n').slice(2), ['Lima\\n\\u001b[2KCusco     7'])
  })

  test('a figure of importance has one minus sign, and 0 has none', () => {
    const one: Importance = {
      name: 'x',
      group: 'user',
      logLossIncrease: -1e-7,
      logLossError: null,
      aucDecrease: -0.25,
      aucError: 0.5,
    }
    assert.deepEqual(importanceFigures(one), ['0.00000', '–', '−0.25000', '0.50000'])
  })

  test('counts, times and sizes', () => {
    assert.equal(formatCount(50_000_000), '50,000,000')
    for (const [seconds, text] of [
      [0, '0.00 s'],
      [1.434, '1.43 s'],
      [9.999, '10.0 s'],
      [59.94, '59.9 s'],
      [59.99, '1 min 00 s'],
      [185, '3 min 05 s'],
      [3599.7, '1 h 00 min'],
      [7440, '2 h 04 min'],
    ] as const)
      assert.equal(formatSeconds(seconds), text)
    for (const [bytes, text] of [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1 KiB'],
      [1536, '1.5 KiB'],
      [671_088_640, '640 MiB'],
      [1_073_741_824, '1 GiB'],
      [1_073_741_823, '1 GiB'],
      [1_610_612_736, '1.5 GiB'],
    ] as const)
      assert.equal(formatBytes(bytes), text)
  })
})
