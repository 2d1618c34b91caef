import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { renderTrainSummary } from '../../src/cli/output/trainSummary.ts'
import { constraintsTable } from '../../src/training/report/constraints.ts'
import type { TrainResult } from '../../src/training/types.ts'
import { goodResult } from './trainResult.ts'

const NAMES = [
  'every row used in every epoch',
  'architecture',
  'optimizer',
  'epochs',
  'learning rate',
  'time per epoch',
  'peak memory',
  'accuracy on the test set',
]

function unmet(result: TrainResult): string[] {
  return constraintsTable(result)
    .filter(({ met }) => met === false)
    .map(({ name }) => name)
}

describe('constraints', () => {
  test('a good reference run meets all eight', () => {
    const table = constraintsTable(goodResult('reference'))
    assert.deepEqual(
      table.map(({ name }) => name),
      NAMES,
    )
    assert.deepEqual(
      table.map(({ met }) => met),
      Array.from(NAMES, () => true),
    )
    assert.deepEqual(table[0], {
      name: 'every row used in every epoch',
      limit: 'all 50,000,000 of 2 files',
      measured: '50,000,000 in each of 5 epochs',
      met: true,
    })
    assert.equal(table[1].measured, '256 → 128 relu → 1, 43,521 parameters')
  })

  test('the reference job in batches of 128 is held to the same, but for the batch', () => {
    const table = constraintsTable(goodResult('reference-128'))
    assert.ok(table.every(({ met }) => met))
    assert.match(table[2].limit, /batch 128/)
    const other = goodResult('reference')
    other.settings.batchSize = 128
    assert.deepEqual(unmet(other), ['optimizer'])
  })

  const faults: [name: string, what: string, damage: (result: TrainResult) => void][] = [
    [NAMES[0], 'a row lost in the third epoch', ({ ledger }) => void (ledger[2].rows -= 1)],
    [NAMES[0], 'a row of one file not used', ({ ledger }) => void (ledger[4].files[1].used -= 1)],
    [NAMES[0], 'another digest', ({ ledger }) => void (ledger[1].digest = '00c0ffed')],
    [NAMES[0], 'an epoch without a ledger', ({ ledger }) => void ledger.pop()],
    [NAMES[0], 'no ledger', (result) => void (result.ledger = [])],
    [NAMES[0], 'a file that is missing in one epoch', ({ ledger }) => void ledger[3].files.pop()],
    [
      NAMES[0],
      'a dropped row, told in the ledger',
      (result) => {
        result.rows -= 1
        for (const epoch of result.ledger) {
          epoch.rows -= 1
          epoch.files[0].used -= 1
          epoch.files[0].dropped += 1
        }
      },
    ],
    [NAMES[1], 'another layer', ({ settings }) => void (settings.hidden = [256, 64])],
    [NAMES[1], 'another activation', ({ settings }) => void (settings.activations = ['relu', 'relu'])],
    [NAMES[1], 'other features', (result) => void (result.parameters = 43_265)],
    [NAMES[2], 'another beta', ({ settings }) => void (settings.beta1 = 0.8)],
    [NAMES[2], 'weight decay', ({ settings }) => void (settings.weightDecay = 0.01)],
    [NAMES[2], 'another batch', ({ settings }) => void (settings.batchSize = 512)],
    [NAMES[4], 'another learning rate', ({ settings }) => void (settings.learningRate = 1e-7)],
    [NAMES[4], 'a schedule', ({ settings }) => void (settings.schedule = 'cosine')],
    [NAMES[5], 'a slow epoch', ({ epochs }) => void (epochs[3].seconds = 60.01)],
    [NAMES[6], 'more memory than allowed', (result) => void (result.peakRssBytes = 2 ** 30 + 1)],
    [
      NAMES[6],
      'more than the job has, though allowed',
      (result) => {
        result.maxMemoryBytes = 8 * 2 ** 30
        result.peakRssBytes = 5 * 2 ** 30
      },
    ],
    [NAMES[7], 'too little accuracy', ({ test: metrics }) => void (metrics && (metrics.accuracy = 0.6999))],
  ]
  for (const [name, what, damage] of faults)
    test(`${what}: ${name} is not met, everything else is`, () => {
      const result = goodResult('reference')
      damage(result)
      assert.deepEqual(unmet(result), [name])
    })

  test('fewer epochs are not met', () => {
    const result = goodResult('reference')
    result.epochs.pop()
    result.ledger.pop()
    assert.deepEqual(unmet(result), ['epochs'])
  })

  test('without a test set the accuracy is not measured', () => {
    const result = { ...goodResult('reference'), test: null }
    assert.equal(constraintsTable(result).at(-1)?.met, null)
    assert.equal(constraintsTable(result).at(-1)?.measured, 'no test set')
  })

  test('of a loss of the order alone no accuracy is demanded, nor shown; the NDCG of its epochs is', () => {
    const result = goodResult('default')
    result.settings = { ...result.settings, loss: 'softmax' }
    result.test!.accuracy = 0.1234
    for (const epoch of result.epochs) Object.assign(epoch, { accuracy: 0.1234, validationNdcg10: 0.6543 })
    const accuracy = constraintsTable(result).at(-1)
    assert.deepEqual([accuracy?.met, accuracy?.measured], [null, 'none: scores only order'])
    const summary = renderTrainSummary({ ...result, constraints: constraintsTable(result) }, null)
    assert.doesNotMatch(summary, /0\.1234/)
    assert.match(summary, /NDCG@10[^]*0\.6543/)
  })

  test('other presets have no limits but those of rows and memory', () => {
    const result = goodResult('default')
    const table = constraintsTable(result)
    assert.deepEqual(
      table.map(({ met }) => met),
      [true, null, null, null, null, null, true, null],
    )
    for (const { limit, met } of table) assert.equal(met === null, limit === '–')
    assert.equal(table[0].measured, '49,500,000 in each of 5 epochs (500,000 held out)')
    assert.match(table[7].measured, /^0\.\d{4} \(majority class 0\.5560\)$/)
    if (result.test) result.test.accuracy = 0.5
    result.epochs[0].seconds = 210
    result.ledger[0].digest = 'x'
    assert.deepEqual(unmet(result), [NAMES[0]])
  })
})
