import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress, parseAddress, VIEW_NAMES } from '../../src/console/address.ts'

test('an address leads back to the view and the parameters that it was made of', () => {
  const params = fc.array(
    fc.tuple(
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      fc.string(),
    ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...VIEW_NAMES), params, (view, entries) => {
      const found = parseAddress(
        new URL(`http://host/${formatAddress({ view, params: new URLSearchParams(entries) })}`).hash,
      )
      assert.equal(found.view, view)
      assert.deepEqual([...found.params], [...new URLSearchParams(new URLSearchParams(entries).toString())])
    }),
  )
})

test('what is no address of a view is the first view, without parameters', () => {
  for (const [hash, named] of [
    ['', undefined],
    ['#', undefined],
    ['#/', undefined],
    ['#/nothing?user=1', 'nothing'],
    ['#main', 'main'],
    ['#/Explore?user=1', 'Explore'],
    ['#/explore/x?user=1', 'explore/x'],
  ] as const) {
    const { view, params, unknownView } = parseAddress(hash)
    assert.equal(view, 'explore', hash)
    assert.equal(params.size, 0, hash)
    assert.equal(unknownView, named, hash)
  }
  const rows = parseAddress('#/rows?user=1')
  assert.deepEqual([rows.params.get('user'), rows.unknownView], ['1', undefined])
})
