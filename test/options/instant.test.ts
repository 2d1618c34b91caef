import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { instantMs } from '../../src/options/instant.ts'

test('dates and times in ISO 8601 are instants, without a zone in UTC', () => {
  const cases: [text: string, iso: string][] = [
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-11-01T06:30', '2026-11-01T06:30:00.000Z'],
    ['2026-11-01 06:30:15', '2026-11-01T06:30:15.000Z'],
    ['2026-11-01T06:30:15.25', '2026-11-01T06:30:15.250Z'],
    ['2026-11-01T06:30:15.007Z', '2026-11-01T06:30:15.007Z'],
    ['2026-11-01T06:30:15.007912+00:00', '2026-11-01T06:30:15.007Z'],
    ['2026-11-01T06:30:15.123456789', '2026-11-01T06:30:15.123Z'],
    ['2026-11-01T00:30:00+02:00', '2026-10-31T22:30:00.000Z'],
    ['2026-10-31T22:30-0330', '2026-11-01T02:00:00.000Z'],
    ['1900-01-01', '1900-01-01T00:00:00.000Z'],
    ['2199-12-31T23:59:59.999Z', '2199-12-31T23:59:59.999Z'],
  ]
  for (const [text, iso] of cases) assert.equal(instantMs(text), Date.parse(iso), text)
})

test('what is no date or time is not taken for one', () => {
  const dates = [
    '2026 2026-11 2026-11-1 01.11.2026 20261101 1793491200 yesterday',
    '2026-02-29 2026-04-31 2026-13-01 2026-00-10 2026-11-00 1899-12-31 2200-01-01',
    '2026-11-01T 2026-11-01T24:00 2026-11-01T12 2026-11-01T12:60 2026-11-01T12:00:60',
    '2026-11-01T12:00+15:00 2026-11-01T12:00+02:60 2026-11-01Z 2026-11-01T12:00:00.1234567890 2026-11-01T12:00:00.',
  ].flatMap((line) => line.split(' '))
  for (const text of ['', ' 2026-11-01', '2026-11-01\n', ...dates])
    assert.equal(instantMs(text), undefined, text)
})

test('every instant is found again in its ISO text, in any zone', () => {
  const [min, max] = [Date.UTC(1900, 0, 2), Date.UTC(2199, 11, 30)]
  fc.assert(
    fc.property(fc.integer({ min, max }), fc.integer({ min: -14 * 60, max: 14 * 60 }), (ms, minutes) => {
      const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
      const zone = `${minutes < 0 ? '-' : '+'}${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
      const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1)
      assert.equal(instantMs(new Date(ms).toISOString()), ms)
      assert.equal(instantMs(`${local}${zone}`), ms)
    }),
  )
})
