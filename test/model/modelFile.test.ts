import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NearrankError } from '../../src/errors.ts'
import { formatModelFile, type ModelDescription, parseModelFile } from '../../src/model/modelFile.ts'
import { modelContent, SMALL_NETWORK } from './modelFixtures.ts'

const where = 'm/model.json'
const seal = { sha256: 'a'.repeat(64), bytes: 1 }

function description(): ModelDescription {
  return {
    formatVersion: 1,
    ...modelContent(SMALL_NETWORK, 7),
    metrics: {
      rows: 5,
      accuracy: 0.9,
      auc: null,
      logLoss: 0.2,
      normalizedEntropy: 0.3,
      calibrationError: 0.01,
      ndcg10: null,
      clickRate: 0.5,
      majorityAccuracy: 0.5,
    },
    weights: { file: 'weights.safetensors', ...seal },
    onnx: { file: 'model.onnx', ...seal },
  }
}

/** `value` as a model.json with the right checksum, so that a test reaches what stands behind it. */
function textOf(value: Record<string, unknown>): string {
  const checksum = createHash('sha256').update(JSON.stringify(value)).digest('hex')
  return JSON.stringify({ ...value, checksum })
}

/** The description with the value at `path` replaced, or its last key removed where `value` is undefined. */
function changed(path: string, value: unknown): Record<string, unknown> {
  const whole: Record<string, unknown> = structuredClone(description())
  const keys = path.split('.')
  let at = whole
  const last = keys.pop() ?? ''
  for (const key of keys) at = at[key] as Record<string, unknown>
  if (value === undefined) delete at[last]
  else at[last] = value
  return whole
}

test('a description comes back, and its text may be laid out anew', () => {
  const text = formatModelFile(description())
  assert.deepEqual(parseModelFile(text, { where }), description())
  assert.deepEqual(parseModelFile(JSON.stringify(JSON.parse(text)), { where }), description())
  assert.equal(text, formatModelFile(parseModelFile(text, { where })))
})

test('NaN and infinity in what the trainer tells become null', () => {
  const text = formatModelFile({ ...description(), training: { rate: Number.POSITIVE_INFINITY } })
  assert.deepEqual(parseModelFile(text, { where }).training, { rate: null })
})

test('each wrong key is named with its path', () => {
  const cases: [path: string, value: unknown, message: RegExp][] = [
    ['extra', 1, /key extra is unknown/],
    ['network.depth', 1, /key network\.depth is unknown/],
    ['metrics.note', 'good', /metrics\.note must be null or number, found "good"/],
    ['columns.userId', undefined, /key columns\.userId is missing/],
    ['weights', undefined, /key weights is missing/],
    ['network.hidden.1', 'x', /network\.hidden\.1 must be integer, found "x"/],
    ['network.hidden.1', 0, /network\.hidden\.1 must be >= 1, found 0/],
    ['network.hidden.1', 1e9, /1 to 4096 units, found 1000000000/],
    ['network.activations.0', 'tanh', /network\.activations\.0 must be "none" or "relu", found "tanh"/],
    ['network.activations', ['none'], /each of the 2 hidden layers needs one activation .*, found 1/],
    ['network.userFeatures', 4, /columns\.userFeatures must name 4 features, found 3/],
    ['columns.restaurantFeatures', ['a', 'a'], /columns\.restaurantFeatures names a feature twice/],
    ['weights.file', '../../etc/passwd', /weights\.file must be "weights\.safetensors", found/],
    ['weights.sha256', 'A'.repeat(64), /weights\.sha256 must match pattern/],
    ['onnx.bytes', -1, /onnx\.bytes must be >= 0, found -1/],
    ['simd', 'avx', /simd must be "relaxed" or "strict", found "avx"/],
    ['settings', [], /settings must be object, found \[\]/],
    ['ledger', {}, /ledger must be array, found \{\}/],
    ['ledger.0', 3, /ledger\.0 must be object, found 3/],
    ['metrics.rows', 1.5, /metrics\.rows must be integer, found 1\.5/],
    ['createdBy.name', 'other', /createdBy\.name must be "nearrank", found "other"/],
    ['formatVersion', 0, /formatVersion must be >= 1, found 0/],
    ['formatVersion', '1', /formatVersion must be integer, found "1"/],
  ]
  for (const [path, value, message] of cases)
    assert.throws(
      () => parseModelFile(textOf(changed(path, value)), { where }),
      (error) => {
        assert.ok(error instanceof NearrankError)
        assert.equal(error.code, 'DAMAGED', path)
        assert.match(error.message, message, path)
        assert.match(error.message, /^Cannot read m\/model\.json: /)
        return true
      },
    )
})

test('a newer format says to upgrade, whatever else it holds', () => {
  assert.throws(() => parseModelFile('{"formatVersion": 3, "news": []}', { where }), {
    code: 'INPUT',
    message: /format version must be 1 or 2, found 3.*upgrade/,
  })
})

test('what is no JSON object, or holds a key twice, is damaged', () => {
  const text = formatModelFile(description())
  const cases: [text: string, message: RegExp][] = [
    ['', /not valid JSON/],
    [text.slice(0, -20), /not valid JSON/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['{}', /is missing/],
    [
      text.replace('"preset": "default"', '"preset": "default", "preset": "default"'),
      /key preset appears twice/,
    ],
    [text.replace('"seed": 7', '"seed": 8'), /does not match its checksum/],
    [text.replace('"preset"', '"__proto__"'), /unknown|missing/],
    [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, /must be a JSON object/],
  ]
  for (const [damaged, message] of cases)
    assert.throws(() => parseModelFile(damaged, { where }), {
      name: 'NearrankError',
      code: 'DAMAGED',
      message,
    })
})

test('any change of the text gives the same description or a NearrankError', () => {
  const text = formatModelFile(description())
  fc.assert(
    fc.property(
      fc.nat({ max: text.length - 1 }),
      fc.nat({ max: 3 }),
      fc.constantFrom('', '"', '{', '}', '0', '9', ' ', ',', 'x', '\n', '[', '-'),
      (at, removed, inserted) => {
        const other = text.slice(0, at) + inserted + text.slice(at + removed)
        try {
          assert.deepEqual(parseModelFile(other, { where }), description())
        } catch (error) {
          assert.ok(error instanceof NearrankError, String(error))
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('a description that is wrong is not written', () => {
  const wrong = { ...description(), preset: '' }
  assert.throws(() => formatModelFile(wrong), { code: 'INTERNAL', message: /preset must/ })
})
