import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { renderEvaluation } from '../../src/cli/output/evaluationTables.ts'
import { renderTrainSummary } from '../../src/cli/output/trainSummary.ts'
import { markdownTable, withSection } from '../../src/training/report/markdown.ts'
import { renderReport } from '../../src/training/report/report.ts'
import type { ReportContext } from '../../src/training/report/reportContext.ts'
import type { JudgedSlice } from '../../src/training/judgement/sliceJudge.ts'
import { sliceFigures } from '../../src/training/report/page/slicesSection.ts'
import { goodResult } from './trainResult.ts'

const context: ReportContext = {
  version: '0.1.0',
  madeAt: '2026-11-23T07:30:00.000Z',
  machine: 'a machine, 2 cores, 8 GiB',
  runtime: 'Node 26.10.0, linux x64',
  data: 'data',
  userFeatures: ['f00', 'f|01'],
  restaurantFeatures: ['a<b>', 'two\nlines'],
  slices: [],
  bayesAccuracy: 0.9549,
  bayesLogLoss: null,
}

describe('report', () => {
  test('holds every part, in order', () => {
    const report = renderReport(goodResult('reference'), context)
    const headings = [...report.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading)
    assert.deepEqual(headings, [
      'Training report',
      'Constraints',
      'Epochs',
      'Test set',
      'Ledger',
      'How it was made',
    ])
    assert.match(report, /8 of 8 constraints are met/)
    assert.match(report, /\| accuracy \| 0\.72130 \| 0\.95490 \|/)
    assert.match(report, /\n\| each of the 5 \| 2 \| 50,000,000 \| 50,000,000 \| 0 \| 0 \| 00c0ffee \|\n\n/)
    assert.match(report, /learningRate \| 1e-8/)
  })

  test('the ledger has a row for each epoch if any of them differs', () => {
    const result = goodResult('reference')
    result.ledger[3] = { ...result.ledger[3], digest: '00badbad' }
    const report = renderReport(result, context)
    const rows = [...report.matchAll(/^\| (.+?) \|.* (00\w+) \|$/gm)].map(([, epoch, digest]) => [
      epoch,
      digest,
    ])
    assert.deepEqual(
      rows,
      [1, 2, 3, 4, 5].map((epoch) => [String(epoch), epoch === 4 ? '00badbad' : '00c0ffee']),
    )
    const one = renderReport({ ...result, ledger: result.ledger.slice(0, 1) }, context)
    assert.match(one, /\n\| 1 \| 2 \| 50,000,000 /)
  })

  test('every table is one: the same number of cells in each line, whatever the names hold', () => {
    const report = renderReport(goodResult('default'), context)
    const tables = report.split('\n\n').filter((block) => block.startsWith('|'))
    assert.equal(tables.length, 5)
    for (const table of tables) {
      const cells = table
        .trimEnd()
        .split('\n')
        .map((line) => line.replaceAll('\\|', '').split('|').length)
      assert.deepEqual(new Set(cells).size, 1, table)
    }
    assert.ok(report.includes('f\\|01') && report.includes('a\\<b>') && report.includes('two lines'))
  })

  test('a section is added at the end, and later replaced where it stands', () => {
    const report = renderReport(goodResult('default'), context)
    const once = withSection(report, 'More', ['a'])
    assert.equal(once, `${report}\n## More\n\na\n`)
    assert.equal(withSection(once, 'More', ['b', '', '### c']), `${report}\n## More\n\nb\n\n### c\n`)
    assert.equal(withSection('', 'More', ['a']), '## More\n\na\n')
    const between = '# R\n\n## More\n\nold\n\n### old\n\n## Last\n\nx\n'
    assert.equal(withSection(between, 'More', ['new']), '# R\n\n## More\n\nnew\n\n## Last\n\nx\n')
    assert.deepEqual(markdownTable(['a'], [['x|<y\n']]), ['| a |', '| --- |', '| x\\|\\<y  |'])
  })

  test('without a test set it says so', () => {
    assert.match(renderReport({ ...goodResult('default'), test: null }, context), /There is no test set\./)
  })

  test('the summary on the terminal holds epochs, figures and constraints', () => {
    const summary = renderTrainSummary(goodResult('reference'), 0.9549)
    for (const part of [
      '50,000,000',
      '25.0 s',
      '700 MiB of 1 GiB',
      '0.7213',
      '0.5560',
      '0.9549',
      '✓  every row used in every epoch',
    ])
      assert.ok(summary.includes(part), `${part} is not in\n${summary}`)
    assert.match(renderTrainSummary(goodResult('default'), null), /unknown/)
  })
})

test('slices of a model that only orders have no log loss and no calibration, as nothing else of it has', () => {
  const { test: metrics, judged } = goodResult('reference')
  const slice: JudgedSlice = {
    slice: 'user.age',
    is: 'value',
    value: '30 to 40',
    rows: 2000,
    clickRate: 0.25,
    auc: 0.75,
    logLoss: 1.25,
    calibrationError: 0.125,
    byGroup: null,
  }
  const shown = (scores: 'order' | 'probability') =>
    renderEvaluation({
      ...metrics!,
      ...judged!,
      calibration: [],
      byGroup: null,
      byUser: null,
      scores,
      slices: [slice],
      seconds: 1,
    } as never) + String(sliceFigures([slice], scores === 'order'))
  assert.ok(shown('probability').split(/log loss|1\.25000|0\.12500/).length > 5)
  assert.doesNotMatch(
    shown('order').replace(/accuracy, log loss and calibration are left out/, ''),
    /log loss|1\.25000|0\.12500/,
  )
  assert.match(shown('order'), /30 to 40.*0\.25000 +0\.75000/)
})
