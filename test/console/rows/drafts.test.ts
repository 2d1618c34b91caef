import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FeatureValue } from '../../../src/client/types.ts'
import type { FeatureKind, ModelFeature } from '../../../src/console/api/modelFeatures.ts'
import { type Draft, draftOf, timeInput, toldBy } from '../../../src/console/rows/drafts.ts'

const feature = (kind: FeatureKind, own: Partial<ModelFeature> = {}): ModelFeature => ({
  name: 'f',
  kind,
  mayBeMissing: true,
  ...own,
})

describe('drafts of values', () => {
  const cases: [ModelFeature, FeatureValue | undefined, Draft][] = [
    [feature('number'), 0.1, '0.1'],
    [feature('number'), true, '1'],
    [feature('number'), null, ''],
    [feature('category'), 3, '3'],
    [feature('category'), 'a, b', 'a, b'],
    [feature('categories'), ['a, b', 3], ['a, b', '3']],
    [feature('categories'), undefined, []],
    [feature('text'), 'two\nlines', 'two\nlines'],
    [feature('vector', { length: 2 }), [1, -2.5], '1, -2.5'],
    [feature('cell'), [13.5, 100.25], '13.5, 100.25'],
    [feature('time'), '2019-05-17', '2019-05-17'],
    [feature('time'), '2019-05-17T18:30:00Z', '2019-05-17T18:30:00'],
    [feature('time'), '2019-05-17T18:30:00.250Z', '2019-05-17T18:30:00.250'],
    [feature('time'), '2019-05-17T18:30:00+07:00', '2019-05-17T11:30:00'],
    [feature('time'), '2019-05-17 18:30', '2019-05-17T18:30:00'],
    [feature('time'), 0, '1970-01-01T00:00:00'],
    [feature('time'), 'soon', 'soon'],
    [feature('time'), 1e15, '1000000000000000'],
  ]
  test('each kind has its own, and one that is not changed says what is stored', () => {
    for (const [of, value, draft] of cases) {
      assert.deepEqual(draftOf(of, value), draft)
      assert.deepEqual(toldBy(of, draft, value), { value: value ?? null })
    }
  })

  test('times are told in the input that can show them', () => {
    assert.equal(timeInput('2019-05-17'), 'date')
    for (const draft of ['', '2019-05-17T18:30:00', '2019-05-17T18:30:00.250', '2019-05-17T18:30'])
      assert.equal(timeInput(draft), 'datetime-local')
    for (const draft of ['soon', '1000000000000000']) assert.equal(timeInput(draft), 'text')
  })
})

test('changed drafts become values of the kind', () => {
  const cases: [ModelFeature, Draft, FeatureValue | undefined, FeatureValue][] = [
    [feature('number'), ' 2.5 ', 1, 2.5],
    [feature('number'), '-1e3', undefined, -1000],
    [feature('number'), '  ', 1, null],
    [feature('category'), 'thai', 3, 'thai'],
    [feature('category'), '', 'thai', null],
    [feature('categories'), ['3', 'new'], [3, true], [3, 'new']],
    [feature('categories'), [], ['a'], []],
    [feature('vector', { length: 3 }), '1, 2,  -3', [0, 0, 0], [1, 2, -3]],
    [feature('vector', { length: 1 }), '7', [0], [7]],
    [feature('cell'), '1 2', undefined, [1, 2]],
    [feature('time'), '2020-01-02', '2019-05-17', '2020-01-02'],
    [feature('time'), '2020-01-02T03:04', 0, '2020-01-02T03:04:00Z'],
    [feature('time'), '2020-01-02T03:04:05', '2019-05-17T18:30:00+07:00', '2020-01-02T03:04:05Z'],
    [feature('time'), '2020-01-02T03:04:05.5', undefined, '2020-01-02T03:04:05.5Z'],
  ]
  for (const [of, draft, stored, value] of cases)
    assert.deepEqual(toldBy(of, draft, stored), { value }, `${of.kind} ${String(draft)}`)
})

test('what cannot be sent is told at the field', () => {
  const required = { mayBeMissing: false }
  const cases: [ModelFeature, Draft, RegExp][] = [
    [feature('number'), 'x', /^must be a number$/],
    [feature('number'), '1 2', /^must be a number$/],
    [feature('number'), 'Infinity', /^must be a number$/],
    [feature('number', required), ' ', /^must be given$/],
    [feature('vector', { length: 3 }), '1, 2', /^must be 3 numbers, found 2$/],
    [feature('vector', { length: 3 }), '1, 2, x', /^must be numbers/],
    [feature('cell'), '1', /^must be 2 numbers, found 1$/],
  ]
  for (const [of, draft, problem] of cases) {
    const told = toldBy(of, draft, of.kind === 'number' ? 5 : [5, 5])
    assert.match('problem' in told ? told.problem : 'none', problem)
  }
})
