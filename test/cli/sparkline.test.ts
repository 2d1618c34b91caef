import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sparkline } from '../../src/cli/output/sparkline.ts'
import { renderTrainSummary } from '../../src/cli/output/trainSummary.ts'
import { goodResult } from './trainResult.ts'

test('a sparkline goes from the least value to the greatest, and many values share columns by their means', () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7]), '▁▂▃▄▅▆▇█')
  assert.equal(sparkline([0.7, 0.5, 0.6]), '█▁▅')
  assert.equal(sparkline([3, 3]), '▁▁')
  assert.equal(sparkline([]), '')
  assert.equal(Array.from(sparkline(Array.from({ length: 1000 }, (_, i) => i))).length, 40)
  assert.equal(
    sparkline([...Array.from({ length: 40 }, () => 0), ...Array.from({ length: 40 }, () => 1)]).indexOf('█'),
    20,
  )
})

test('the summary of a training shows the course of its epochs; a single epoch has none', () => {
  const result = goodResult('reference')
  assert.match(renderTrainSummary(result, null), /^loss +█▆▅▃▁ +0\.6900 to 0\.6500$/m)
  assert.match(renderTrainSummary(result, null), /^accuracy +▁▃▅▆█ +0\.7010 to 0\.7050$/m)
  const { epochs } = result
  assert.doesNotMatch(renderTrainSummary({ ...result, epochs: epochs.slice(0, 1) }, null), /▁/)
})
