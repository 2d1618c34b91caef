import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scoreOf } from '../../src/model/scoreOf.ts'

test('scores of a model that only orders differ as float32 where probabilities would all be 1, or 0', () => {
  let before = scoreOf(-201, 'order')
  for (let logit = -200; logit <= 200; logit += 0.125) {
    const score = Math.fround(scoreOf(logit, 'order'))
    assert.ok(score > before && score < 1, `logit ${logit}: ${score} after ${before}`)
    before = score
  }
  assert.equal(Math.fround(scoreOf(18, undefined)), 1)
  assert.equal(scoreOf(0, 'order'), 0.5)
  for (const logit of [-3.4e38, 3.4e38]) assert.equal(scoreOf(logit, 'order'), logit > 0 ? 1 : 0)
})

test('of a model that learned probabilities they are these', () => {
  for (const [logit, probability] of [
    [0, 0.5],
    [Math.log(3), 0.75],
    [-Math.log(9), 0.1],
  ])
    assert.ok(Math.abs(scoreOf(logit, undefined) - probability) < 1e-15)
})
