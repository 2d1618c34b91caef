import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Explanation } from '../../../src/client/types.ts'
import { numberIn, textIn } from '../../../src/console/api/modelReports.ts'
import { calibrationPoints } from '../../../src/console/model/calibrationPoints.ts'
import { changeOf, formatMeasure, measuresOf } from '../../../src/console/model/measures.ts'
import { meanEffects } from '../../../src/console/model/scoreMovers.ts'

test('a change is better or worse by the measure, and nothing if it does not show', () => {
  assert.deepEqual(changeOf('auc', 0.7, 0.7123), { text: '+0.0123', mood: 'good' })
  assert.deepEqual(changeOf('auc', 0.7123, 0.7), { text: '−0.0123', mood: 'bad' })
  assert.deepEqual(changeOf('logLoss', 0.3, 0.31), { text: '+0.0100', mood: 'bad' })
  assert.deepEqual(changeOf('logLoss', 0.31, 0.3), { text: '−0.0100', mood: 'good' })
  assert.deepEqual(changeOf('clickRate', 0.1, 0.2), { text: '+0.1000', mood: '' })
  assert.deepEqual(changeOf('rows', 100, 2100), { text: '+2,000', mood: '' })
  assert.deepEqual(changeOf('of another version', 1, 2), { text: '+1.0000', mood: '' })
  assert.deepEqual(changeOf('auc', 0.7, 0.700049), { text: '±0', mood: '' })
  assert.equal(formatMeasure('rows', 60_000), '60,000')
})

test('measures stand in their order, unknown ones last, and none that says nothing of an order', () => {
  const metrics = { rows: 1, new: 2, logLoss: 3, auc: 4 }
  assert.deepEqual(measuresOf([metrics, null, { groupMrr: 1 }], false), [
    'auc',
    'logLoss',
    'groupMrr',
    'rows',
    'new',
  ])
  assert.deepEqual(measuresOf([metrics], true), ['auc', 'rows', 'new'])
})

test('parts of a report that are not there, or are something else, are nothing', () => {
  const part = { epoch: 1, loss: null, text: 'x', list: [1] }
  assert.equal(numberIn(part, 'epoch'), 1)
  for (const name of ['loss', 'text', 'list', 'gone', 'toString', '__proto__'])
    assert.equal(numberIn(part, name), null)
  assert.equal(numberIn(null, 'epoch'), null)
  assert.deepEqual([textIn(part, 'text'), textIn(part, 'epoch'), textIn(part, 'constructor')], ['x', '', ''])
})

test('movers are the mean absolute effects, the largest first', () => {
  const explanation = (effects: Record<string, number>): Explanation => ({
    baseline: 0,
    logit: 0,
    features: Object.entries(effects).map(([feature, effect]) => ({
      feature,
      effect,
      value: null,
      encoded: '',
    })),
  })
  const explanations = [explanation({ a: 1, b: -3 }), explanation({ a: -2, b: 3 }), explanation({ c: 3 })]
  assert.deepEqual(meanEffects(explanations), [
    { feature: 'b', effect: 2 },
    { feature: 'a', effect: 1 },
    { feature: 'c', effect: 1 },
  ])
  assert.deepEqual(meanEffects([]), [])
})

test('calibration is what was written of it, and nothing of a model without', () => {
  const bin = { rows: 10, prediction: 0.1, clickRate: 0.2, low: 0.15, high: 0.3 }
  const { low: _, ...older } = bin
  const points = calibrationPoints({
    training: { calibration: [bin, null, 1, { ...bin, clickRate: null }, older] },
  })
  assert.deepEqual(points, [
    { prediction: 0.1, clickRate: 0.2, low: 0.15, high: 0.3 },
    { prediction: 0.1, clickRate: 0.2, low: 0.2, high: 0.3 },
  ])
  assert.deepEqual(calibrationPoints({ training: {} }), [])
  assert.deepEqual(calibrationPoints({ training: { calibration: 'good' } }), [])
})
