import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatRows, parseRows, type RowsState } from '../../../src/console/rows/rowsState.ts'

test('the address holds all that is shown', () => {
  const text = fc.string({ unit: 'grapheme' })
  const place = fc.record({
    latitude: fc.double({ min: -90, max: 90, noNaN: true }).map((degrees) => degrees + 0),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }).map((degrees) => degrees + 0),
  })
  const own = fc.record({
    side: fc.constantFrom('users', 'restaurants'),
    id: text,
    rankedFor: text,
    reachM: fc.integer({ min: 1, max: 1e6 }),
  })
  const nowhere = fc.constant({ latitude: null, longitude: null })
  fc.assert(
    fc.property(own, fc.oneof(place, nowhere), (parts, where) => {
      const shown: RowsState = { ...parts, ...where }
      assert.deepEqual(parseRows(new URLSearchParams(formatRows(shown).toString())), shown)
    }),
  )
})

test('what cannot be used counts as absent', () => {
  const { side, id, latitude, longitude, reachM } = parseRows(
    new URLSearchParams('user=1&lat=91&lon=2&reach=-5'),
  )
  assert.deepEqual([side, id, latitude, longitude, reachM], ['users', '1', null, null, 5000])
  assert.equal(parseRows(new URLSearchParams('lat=1')).latitude, null)
  assert.equal(parseRows(new URLSearchParams('user=1&restaurant=2')).side, 'restaurants')
})
