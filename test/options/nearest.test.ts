import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from '../../src/options/nearest.ts'

test('nearest finds slips of the keyboard and nothing far-fetched', () => {
  const known = ['epochs', 'learningRate', 'seed']
  assert.equal(nearest('epohcs', known), 'epochs')
  assert.equal(nearest('LEARNINGRATE', known), 'learningRate')
  assert.equal(nearest('sed', known), 'seed')
  assert.equal(nearest('restaurants', known), undefined)
  assert.equal(nearest('x', []), undefined)
})
