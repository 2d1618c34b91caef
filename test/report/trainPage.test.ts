import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { importanceContent } from '../../src/training/importance/importancePage.ts'
import type { MeasuredImportance } from '../../src/training/importance/measure.ts'
import { replaceSection } from '../../src/report/page.ts'
import { importanceSection } from '../../src/training/report/page/importanceSection.ts'
import { renderEvaluationPage } from '../../src/training/report/page/evaluationPage.ts'
import { renderTrainPage } from '../../src/training/report/page/trainPage.ts'
import type { ReportContext } from '../../src/training/report/reportContext.ts'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { goodResult } from '../cli/trainResult.ts'
import { badgesOf, checkPage, rowsOf, sectionsOf } from './checkPage.ts'
import { HOSTILE } from './hostile.ts'
import { judgedRows } from './judgedFixture.ts'
import { elements, hasClass, textOf } from './xml.ts'

const context: ReportContext = {
  version: '0.1.0',
  madeAt: '2026-11-23T07:30:00.000Z',
  machine: 'a machine, 2 cores, 8 GiB',
  runtime: 'Node 26.10.0, linux x64',
  data: 'data',
  userFeatures: ['age'],
  restaurantFeatures: ['price'],
  slices: ['device', 'price'],
  config: { data: 'data', out: 'model', epochs: 5 },
  bayesAccuracy: 0.9549,
  bayesLogLoss: 0.3,
}

const result = { ...goodResult('default'), ...judgedRows() }

const importance: MeasuredImportance = {
  rows: 500,
  testRows: 3000,
  repeats: 1,
  seed: 1,
  logLoss: 0.5,
  auc: 0.8,
  groups: [
    {
      name: 'user',
      group: 'user',
      logLossIncrease: 0.2,
      logLossError: 0.01,
      aucDecrease: null,
      aucError: null,
    },
  ],
  features: HOSTILE.map((name, i) => ({
    name,
    group: 'user' as const,
    logLossIncrease: 0.1 - 0.03 * i,
    logLossError: i === 0 ? null : 0.01,
    aucDecrease: 0.1,
    aucError: 0.01,
  })),
}

describe('the page of a training', () => {
  test('needs nothing but itself, and has every section with its pictures', () => {
    const root = checkPage(renderTrainPage(result, context))
    const sections = sectionsOf(root)
    assert.deepEqual(Array.from(sections.keys()), [
      'glance',
      'learning',
      'test',
      'baselines',
      'importance',
      'slices',
      'constraints',
      'ledger',
      'made',
    ])
    const pictures = elements(root, 'svg').flatMap(({ attributes }) => attributes['aria-labelledby'] ?? [])
    assert.deepEqual(
      pictures.map((ids) => ids.split('-title')[0]),
      'loss accuracy calibration distribution roc gain rules-loss rules-accuracy ndcg10-group mrr-group gauc-group'.split(
        ' ',
      ),
    )
    assert.match(textOf(sections.get('importance')!), /nearrank importance/)
    assert.ok(badgesOf(sections.get('glance')!).length >= 8, 'each figure has a word')
  })

  test('slices are suggested by features that the model has, or not at all', () => {
    const suggested = textOf(sectionsOf(checkPage(renderTrainPage(result, context))).get('slices')!)
    assert.match(suggested, /--slices device,price --report/)
    assert.ok(!sectionsOf(checkPage(renderTrainPage(result, { ...context, slices: [] }))).has('slices'))
  })

  test('the same run gives the same bytes', () => {
    assert.equal(renderTrainPage(result, context), renderTrainPage(structuredClone(result), { ...context }))
  })

  test('tables hold the numbers that the pictures show', () => {
    const sections = sectionsOf(checkPage(renderTrainPage(result, context)))
    const rows = rowsOf(sections.get('test')!).map((cells) => cells.join(' | '))
    for (const { prediction, clickRate, low, high } of result.judged.calibration) {
      const wanted = `${prediction.toFixed(5)} | ${clickRate.toFixed(5)} | ${low.toFixed(5)} to ${high.toFixed(5)}`
      assert.ok(
        rows.some((row) => row.includes(wanted)),
        wanted,
      )
    }
    const { value } = result.judged.byGroup!.rankings.model!.mrr!
    assert.ok(
      rowsOf(sections.get('baselines')!).some(([name, own]) => name === 'MRR' && own === value.toFixed(5)),
    )
    assert.equal(rowsOf(sections.get('learning')!).length, 1 + result.epochs.length)
    const made = textOf(sections.get('made')!)
    assert.ok(
      made.includes(JSON.stringify(context.config, null, 2)) && made.includes('a machine, 2 cores, 8 GiB'),
    )
  })

  test('no name from outside can break out of it', () => {
    for (const name of HOSTILE) {
      const hostile = { ...context, data: name, machine: name, userFeatures: HOSTILE, config: { data: name } }
      const page = renderTrainPage(
        { ...result, constraints: [{ name, limit: name, measured: name, met: false }] },
        hostile,
      )
      const root = checkPage(page)
      const plain = checkPage(
        renderTrainPage(
          { ...result, constraints: [{ name: 'a', limit: 'b', measured: 'c', met: false }] },
          { ...context, config: { data: 'a' } },
        ),
      )
      assert.deepEqual(
        elements(root).map((one) => one.name),
        elements(plain).map((one) => one.name),
        'the same elements as with plain names',
      )
      const replaced = replaceSection(page, importanceSection(importanceContent(importance)))!
      assert.equal(sectionsOf(checkPage(replaced)).size, 9)
    }
  })

  test('importance takes the place of the hint, and of an earlier one; all else stays', () => {
    const page = renderTrainPage(result, context)
    const once = replaceSection(page, importanceSection(importanceContent(importance)))!
    const sections = sectionsOf(checkPage(once))
    const shown = rowsOf(sections.get('importance')!).map(([name]) => name)
    assert.ok(shown.includes(HOSTILE[0]))
    assert.match(badgesOf(sections.get('importance')!)[0], /3 of 6 make no difference/)
    const other = importanceSection(importanceContent({ ...importance, seed: 2 }))
    assert.equal(replaceSection(once, other), replaceSection(page, other))
    assert.equal(replaceSection('<p>nothing</p>', other), undefined)
  })

  test('a model that only orders claims no probabilities', () => {
    const settings = resolveSettings({ preset: 'default', epochs: 5, loss: 'pairwise' })
    const root = checkPage(renderTrainPage({ ...result, settings }, context))
    assert.doesNotMatch(textOf(root), /log loss of|Calibration|expected calibration error/)
    assert.match(textOf(root), /only order/)
  })

  test('without a test set, with one epoch, and with many, it is still a page', () => {
    const bare = { ...result, test: null, judged: null, epochs: result.epochs.slice(0, 1) }
    const { config: _config, ...rest } = context
    const root = checkPage(renderTrainPage(bare, rest))
    assert.match(textOf(root), /There is no test set/)
    assert.match(textOf(root), /A single epoch shows no course/)
    const epochs = Array.from({ length: 300 }, (_, i) => ({
      ...result.epochs[0],
      epoch: i + 1,
      loss: 1 / (i + 1),
    }))
    const many = checkPage(renderTrainPage({ ...result, epochs }, context))
    const line = elements(many, 'path').find((one) => hasClass(one, 'line') && one.attributes.d.length > 1000)
    assert.equal(line?.attributes.d.match(/[ML]/g)?.length, 300)
  })

  test('rows of one class have no curves, and no numbers that are none', () => {
    const one = { ...result.test, auc: null, normalizedEntropy: null, clickRate: 0, majorityAccuracy: 1 }
    const calibration = [{ rows: 3000, prediction: 0.1, clickRate: 0, low: 0, high: 0.001 }]
    const curves = { ...result.judged.curves, roc: [] }
    checkPage(
      renderTrainPage({ ...result, test: one, judged: { ...result.judged, calibration, curves } }, context),
    )
  })
})

test('the page of an evaluation has the slices, and no hostile name breaks out of it', () => {
  const slices = HOSTILE.flatMap((value) =>
    ['device', HOSTILE[1]].map((slice, i) => ({
      slice,
      is: 'value' as const,
      value,
      rows: 2000,
      clickRate: 0.1,
      auc: 0.7 + 0.1 * i,
      logLoss: 0.3,
      calibrationError: 0.01,
      byGroup: null,
    })),
  )
  const report = {
    ...result.test,
    ...result.judged,
    slices,
    scores: 'probability' as const,
    bayesAccuracy: null,
    bayesLogLoss: null,
    seconds: 1,
  }
  const page = renderEvaluationPage(report, {
    version: '0.1.0',
    madeAt: 'now',
    data: HOSTILE[0],
    model: HOSTILE[1],
  })
  const sections = sectionsOf(checkPage(page))
  assert.deepEqual(Array.from(sections.keys()), ['glance', 'test', 'baselines', 'by-group', 'slices'])
  assert.equal(elements(sections.get('slices')!, 'figure').length, 2)
})
