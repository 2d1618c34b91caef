import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wilsonInterval } from '../../src/metrics/wilson.ts'
import { learningVerdict } from '../../src/training/report/page/learningFigures.ts'
import {
  accuracyVerdict,
  aucVerdict,
  calibrationVerdict,
  gainVerdict,
  logLossVerdict,
  orderVerdict,
} from '../../src/training/report/page/verdicts.ts'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { goodResult } from '../cli/trainResult.ts'
import { judgedRows } from './judgedFixture.ts'

const { test: metrics, judged } = judgedRows()

function tenth(rows: number, prediction: number, clickRate: number) {
  return { rows, prediction, clickRate, ...wilsonInterval(rows * clickRate, rows) }
}

describe('verdicts', () => {
  test('AUC: from chance to what is too good', () => {
    const verdict = (auc: number | null) => aucVerdict({ ...metrics, auc })
    const grades = [null, 0.5, 0.57, 0.65, 0.75, 0.9, 0.99].map((auc) => verdict(auc).word)
    assert.deepEqual(grades, [
      'not defined',
      'no better than chance',
      'weak',
      'modest',
      'useful',
      'strong',
      'suspiciously high',
    ])
    assert.match(verdict(0.75).text, /75 % of the draws/)
  })

  test('log loss and accuracy: beside what says nothing, and the best possible', () => {
    assert.match(logLossVerdict({ ...metrics, normalizedEntropy: 0.8 }).text, /^20 % lower/)
    assert.equal(logLossVerdict({ ...metrics, normalizedEntropy: 1.1 }).grade, 'poor')
    const accuracy = (value: number, best: number | null) =>
      accuracyVerdict({ ...metrics, accuracy: value, majorityAccuracy: 0.6 }, best).word
    assert.equal(accuracy(0.6, 0.9), 'no gain')
    assert.equal(accuracy(0.65, 0.9), 'far from the best possible')
    assert.equal(accuracy(0.8, 0.9), 'more than half the way')
    assert.equal(accuracy(0.88, 0.9), 'near the best possible')
    assert.equal(accuracy(0.8, null), 'better than guessing')
  })

  test('calibration: scores that clicks follow are close, shifted ones are off and on which side', () => {
    assert.equal(calibrationVerdict(judged.calibration, metrics.calibrationError).grade, 'good')
    const shifted = judged.calibration.map((bin) => ({ ...bin, prediction: bin.prediction + 0.2 }))
    const verdict = calibrationVerdict(shifted, 0.2)
    assert.equal(verdict.grade, 'poor')
    assert.match(
      verdict.text,
      /^On average, predictions are off by 20 percentage points\. 0 of 10 .*too high\.$/,
    )
  })

  test('calibration: of one tenth, or of two, no wrong one is let pass', () => {
    const wrong = { rows: 1000, prediction: 0.9, clickRate: 0.1, low: 0.08, high: 0.12 }
    const right = { ...wrong, prediction: 0.1 }
    assert.equal(calibrationVerdict([wrong], 0.8).grade, 'poor')
    assert.equal(calibrationVerdict([right, wrong], 0.4).grade, 'poor')
    assert.equal(calibrationVerdict([right, right], 0).grade, 'good')
    // One of ten 95 % intervals may miss by chance.
    assert.equal(calibrationVerdict([wrong, ...Array.from({ length: 9 }, () => right)], 0.08).grade, 'good')
  })

  test('gain: the top tenth beside what is possible', () => {
    const verdict = (rates: number[]) => gainVerdict(rates.map((clickRate) => tenth(100, 0.1, clickRate)))
    const tenths = (rate: number) => Array.from({ length: 10 }, () => rate)
    const apart = verdict([0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.9])
    assert.match(apart.text, /10 % of the rows .* hold 90 % of the clicks: 9\.00 times .* of 10\.00 times/)
    assert.equal(apart.grade, 'good')
    assert.equal(verdict(tenths(0.1)).grade, 'poor')
    assert.equal(verdict(tenths(0)).word, 'no clicks')
  })

  test('order: better or worse if the interval of the difference does not hold 0, else not clearly', () => {
    assert.equal(orderVerdict(judged.byGroup!).grade, 'good')
    const ahead = (value: number, low: number, high: number) =>
      orderVerdict({ ...judged.byGroup!, lead: { over: 'nearest', value, low, high } })
    assert.equal(ahead(0.02, 0.01, 0.03).word, 'better than every simple order')
    assert.equal(ahead(0.02, -0.01, 0.05).word, 'not clearly better')
    assert.equal(ahead(-0.02, -0.05, 0.01).word, 'not clearly worse')
    assert.equal(ahead(-0.02, -0.03, -0.01).word, 'no better than a simple order')
    assert.equal(
      ahead(-0.02, -0.03, -0.01).text,
      'The model is worse than the best simple order, the nearest first. Its NDCG@10 differs by −0.02000, 95 % interval −0.03000 to −0.01000, which does not hold 0.',
    )
    assert.equal(orderVerdict({ ...judged.byGroup!, lead: null }).word, 'nothing to compare')
    const few = { ...judged.byGroup!, units: 30, withoutClick: 8, onlyClicks: 3 }
    assert.equal(orderVerdict(few).word, 'too few rows to tell')
    assert.match(
      orderVerdict(few).text,
      /cannot be told\. .*, of fewer than 20 that have clicks and other rows\.$/,
    )
  })

  test('an AUC that guessing cannot give is not called chance, however near to it', () => {
    const of = (auc: number, rows: number) => aucVerdict({ ...metrics, auc, rows, clickRate: 0.1 }).word
    assert.equal(of(0.515, 1_000_000), 'weak')
    assert.equal(of(0.5015, 1_000_000), 'no better than chance')
    assert.equal(of(0.48, 1_000_000), 'no better than chance')
  })

  test('calibration: of rare clicks, what is twice too high is not close', () => {
    const verdict = (prediction: number) => {
      const bins = Array.from({ length: 10 }, () => tenth(1_000_000, prediction, 0.005))
      return calibrationVerdict(bins, prediction - 0.005).word
    }
    assert.equal(verdict(0.01), 'off')
    assert.equal(verdict(0.006), 'slightly off')
    assert.equal(verdict(0.0054), 'close')
  })

  test('numbers that guessing may have given are too few rows to tell, and of more rows they are told', () => {
    const few = 'too few rows to tell'
    const of = (rows: number) => ({ ...metrics, rows, clickRate: 0.4, auc: 0.6, majorityAccuracy: 0.6 })
    const words = (rows: number) => [
      aucVerdict(of(rows)).word,
      logLossVerdict({ ...of(rows), normalizedEntropy: 0.98 }).word,
      accuracyVerdict({ ...of(rows), accuracy: 0.64 }, null).word,
      accuracyVerdict({ ...of(rows), accuracy: 0.64 }, 0.65).word,
    ]
    assert.deepEqual(words(100), [few, few, few, few])
    assert.deepEqual(words(10_000), ['modest', 'modest', 'better than guessing', 'more than half the way'])
    assert.equal(aucVerdict({ ...of(40), auc: 0.48 }).word, few)
    assert.equal(aucVerdict({ ...of(10_000), auc: 0.505 }).word, 'no better than chance')
    assert.match(aucVerdict(of(100)).text, /guessing alone gives up to 61\.[56] %/)
    // Of rare clicks, hardly anything is gained however many rows there are.
    const rare = { ...of(1e6), accuracy: 0.9901, majorityAccuracy: 0.99 }
    assert.equal(accuracyVerdict(rare, null).word, 'hardly better than guessing')
    assert.equal(accuracyVerdict({ ...rare, accuracy: 0.9899 }, null).word, 'no gain')

    const rates = [0.25, 0.3, 0.35, 0.4, 0.4, 0.45, 0.45, 0.5, 0.5, 0.55]
    const tenths = (rows: number, shift = 0) => rates.map((rate) => tenth(rows, rate + shift, rate))
    assert.equal(calibrationVerdict(tenths(20, 0.05), 0.05).word, few)
    assert.equal(calibrationVerdict(tenths(2000, 0.015), 0.015).word, 'close')
    assert.equal(calibrationVerdict(tenths(20, 0.5), 0.5).word, 'off')
    assert.equal(gainVerdict(tenths(20)).word, few)
    assert.equal(gainVerdict(tenths(2000)).word, 'some clicks come first')
    // All tenths alike: no row more would show a gain, or a gap.
    const alike = rates.map(() => tenth(100_000, 0.4, 0.4))
    assert.deepEqual([calibrationVerdict(alike, 0).word, gainVerdict(alike).word], ['close', 'little gain'])
  })

  test('learning: what the last epochs say', () => {
    const settings = resolveSettings({ preset: 'default', epochs: 5 })
    const run = (losses: number[], keptEpoch: number) =>
      learningVerdict({
        settings,
        keptEpoch,
        epochs: losses.map((validationLoss, i) => ({
          ...goodResult('default').epochs[0],
          epoch: i + 1,
          validationLoss,
        })),
      }).word
    assert.equal(run([0.5, 0.4, 0.3], 3), 'still improving')
    assert.equal(run([0.5, 0.4, 0.39999], 3), 'levelled off')
    assert.equal(run([0.5, 0.3, 0.3001], 2), 'levelled off')
    assert.equal(run([0.5, 0.3, 0.4], 2), 'the best epoch was kept')
    assert.equal(run([0.5, 0.3, 0.4], 3), 'past its best')
    assert.equal(run([0.5], 1), 'one epoch')
    assert.equal(learningVerdict(goodResult('reference')).word, 'falling')
  })
})
