import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { addressNote } from '../../../src/console/explore/addressNote.ts'
import { type ExploreState, formatState, parseState } from '../../../src/console/explore/exploreState.ts'

const text = () => fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => one.isWellFormed())
const name = () => text().filter((one) => one !== '__proto__')
const asked = () =>
  fc.record(
    {
      user: text(),
      context: fc.dictionary(name(), fc.array(text(), { minLength: 1, maxLength: 3 }), {
        noNullPrototype: true,
      }),
    },
    { noNullPrototype: true },
  )
const degrees = (max: number) => fc.double({ min: -max, max, noNaN: true }).map((one) => one + 0) // no −0
const states = fc.record(
  {
    latitude: degrees(90),
    longitude: degrees(180),
    reachM: fc.integer({ min: 1, max: 20_000_000 }),
    size: fc.integer({ min: 1, max: 100 }),
    byDistance: fc.boolean(),
    first: asked(),
    second: fc.option(asked()),
    selected: fc.option(text()),
  },
  { noNullPrototype: true },
)

test('an address holds the whole request, whatever ids, names and values are called', () => {
  fc.assert(
    fc.property(states, (state) => {
      const params = new URLSearchParams(formatState(state).toString())
      assert.deepEqual(parseState(params), state)
      assert.equal(addressNote(params), '')
    }),
  )
})

test('what an address lacks or has wrong is the default', () => {
  const empty: ExploreState = {
    latitude: null,
    longitude: null,
    reachM: 5000,
    size: 20,
    byDistance: false,
    first: { user: '', context: {} },
    second: null,
    selected: null,
  }
  for (const address of [
    '',
    'lat=1',
    'lat=91&lon=2',
    'lat=x&lon=2',
    'reach=0&size=101',
    'size=&order=best',
    'reach=1e9',
  ])
    assert.deepEqual(parseState(new URLSearchParams(address)), empty, address)
  assert.equal(formatState(empty).toString(), '')
})

test('what an address has wrong is told with what is shown instead', () => {
  const note = (address: string) => addressNote(new URLSearchParams(address))
  assert.equal(
    note('lat=abc&lon=2'),
    'The address cannot be used as it is: lat must be a number from -90 to 90, found "abc". Shown instead: a place among the restaurants.',
  )
  assert.match(note('lat=95&lon=2'), /lat must .* found "95"\. /)
  assert.match(note('lat=1'), /: lon must be a number from -180 to 180, found none\. /)
  assert.match(note('lat=&lon=181'), /: lat must .* found ""; lon must .* found "181"\. /)
  assert.match(
    note('reach=0&size=101&order=best'),
    /: reach must be .* found "0"; size must be .* found "101"; order must be .* found "best"\. Shown instead: a reach of 5 km, at most 20 restaurants, the best first\.$/,
  )
  for (const fine of ['', 'lat=1&lon=2', 'order=score', 'user=%20', 'size=3.4'])
    assert.equal(note(fine), '', fine)
  assert.match(addressNote(new URLSearchParams(), 'explor'), /view "explor", .* explore, live, model, rows: /)
  assert.ok(note(`lat=${'9'.repeat(5000)}&lon=1`).length < 300)
})
