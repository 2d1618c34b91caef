import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type FeatureId, idJson } from '../../../../src/ids.ts'
import { AnswerWriter } from '../../../../src/server/threads/ranking/answerWriter.ts'

const writer = new AnswerWriter()

const edges = [
  0,
  10,
  999_999_999,
  1e9,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  1e10,
  1e15,
  Number.MAX_SAFE_INTEGER - 9,
]
const id: fc.Arbitrary<FeatureId> = fc.oneof(
  fc.tuple(fc.constantFrom(...edges), fc.nat(9)).map(([edge, step]) => edge + step),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
)
const line = fc.record({
  id,
  score: fc.oneof(fc.constantFrom(0, 1, 0.5, 1e-9, 1 - 1e-9), fc.double({ min: 0, max: 1, noNaN: true })),
  distanceM: fc.oneof(
    fc.constantFrom(0, 0.0004, 7.9996, 2e7),
    fc.double({ min: 0, max: 2.1e7, noNaN: true }),
  ),
})

test('any list comes out as JSON.stringify would write it: nine decimals, millimetres, all digits of an id', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
      const text = writer.write(
        { idAt: (row) => lines[row].id },
        {
          count: lines.length,
          rows: Uint32Array.from(lines.keys()),
          scores: Float64Array.from(lines, ({ score }) => score),
          distancesM: Float64Array.from(lines, ({ distanceM }) => distanceM),
          candidates: lines.length,
          notFinite: 0,
        },
      )
      const items = lines.map((one) => {
        const score = Math.round(one.score * 1e9) / 1e9
        const whole = Math.floor(one.distanceM)
        const metres = whole + Math.round((one.distanceM - whole) * 1000) / 1000
        return `{"id":${idJson(one.id)},"score":${plain(score, 9)},"displacement":${plain(metres, 3)}}`
      })
      const wanted = `{"restaurants":[${items.join(',')}]}`
      assert.equal(text, wanted)
      assert.equal(writer.bytes, Buffer.byteLength(wanted))
      assert.equal(writer.encoding, Buffer.byteLength(wanted) === wanted.length ? 'latin1' : 'utf8')
    }),
    { numRuns: 1000 },
  )
})

/** Without an exponent, which JSON.stringify writes of small numbers, and without zeros at the end. */
function plain(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(/\.?0+$/, '') || '0'
}
