import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
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
