import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generate } from '../../src/dataset/generator/generate.ts'
import { NearrankError } from '../../src/errors.ts'
import { exportModel } from '../../src/model/exportModel.ts'
import { CALLBACKS, checkKeys, checkOptions } from '../../src/options/checkOptions.ts'
import { recommend } from '../../src/ranking/recommend.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { importance } from '../../src/training/importance.ts'
import { TRAIN_OPTIONS } from '../../src/training/settings/allTrainOptions.ts'
import { train } from '../../src/training/train.ts'

function isUsage(...parts: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NearrankError, String(error))
    assert.equal(error.code, 'USAGE')
    for (const part of parts) assert.match(error.message, part)
    return true
  }
}

describe('options', () => {
  test('an unknown key gets the nearest known one', () => {
    const cases = [
      [{ learningrate: 1 }, '"learningRate"'],
      [{ epoch: 1 }, '"epochs"'],
      [{ columns: { userID: 'u' } }, '"columns.userId"'],
      [{ 'batch-size': 1 }, '"batchSize"'],
      [JSON.parse('{"__proto__": 1}'), 'Known keys: '],
      [{ toString: 1 }, 'Known keys: '],
      [{ xyzzy: 1 }, 'Known keys: '],
    ] as const
    for (const [values, part] of cases)
      assert.throws(
        () => checkKeys(TRAIN_OPTIONS, values as object, 'the config file x.json'),
        isUsage(/^Cannot use the config file x\.json: unknown key /, new RegExp(part.replace('.', '\\.'))),
      )
  })

  test('every key of a config is checked', () => {
    for (const key of Object.keys(TRAIN_OPTIONS))
      assert.throws(
        () => checkKeys(TRAIN_OPTIONS, { [key]: { a: null } }, 'x'),
        isUsage(new RegExp(`\\b${key}\\b`)),
        key,
      )
    for (const columns of [5, [], null, { userId: '' }, { click: 1 }])
      assert.throws(() => checkKeys(TRAIN_OPTIONS, { columns }, 'x'), isUsage(/columns/))
    checkKeys(TRAIN_OPTIONS, { columns: { userId: 'uid' }, trainFiles: ['a', 'b'], testFiles: 'c' }, 'x')
  })

  test('undefined is not given, and no object is an error that names what is wanted', () => {
    checkOptions(TRAIN_OPTIONS, { data: 'd', out: 'o', epochs: undefined }, 'train')
    for (const options of [undefined, null, [], 'x'])
      assert.throws(
        () => checkOptions(TRAIN_OPTIONS, options, 'train'),
        isUsage(/^Cannot train: the options must be an object such as \{ data, out \}, found /),
      )
    for (const missing of [{ data: 'd' }, { data: 'd', out: undefined }])
      assert.throws(() => checkOptions(TRAIN_OPTIONS, missing, 'train'), isUsage(/option out is missing/))
  })

  test('callbacks are checked', () => {
    checkKeys(CALLBACKS, { signal: new AbortController().signal, onProgress: () => {} }, 'x')
    assert.throws(() => checkKeys(CALLBACKS, { signal: {} }, 'x'), isUsage(/signal must be an AbortSignal/))
    assert.throws(() => checkKeys(CALLBACKS, { onProgress: 1 }, 'x'), isUsage(/a function, found 1/))
  })

  const place = { data: 'absent', model: 'absent' }
  const request = {
    candidateRestaurantIds: null,
    latitude: 0,
    longitude: 0,
    size: 1,
    maxDistM: 1,
    sortByDistance: false,
  }
  const calls: [name: string, call: () => Promise<unknown>, parts: RegExp[]][] = [
    [
      'train',
      () => train({ data: 'absent', out: 'x', model: 'm' } as never),
      [/options of train: .*"model"/, /Known keys|mean/],
    ],
    [
      'evaluate',
      () => evaluate({ ...place, learningRate: 5, out: 'x' } as never),
      [/options of evaluate: .*"learningRate"/],
    ],
    ['evaluate', () => evaluate({ ...place, trainFiles: 'x' } as never), [/"trainFiles"/, /"testFiles"/]],
    ['evaluate', () => evaluate({ ...place, thread: 1 } as never), [/"thread"/, /mean "threads"/]],
    ['evaluate', () => evaluate({ ...place, threads: 0 }), [/threads must be an integer from 1/]],
    [
      'importance',
      () => importance({ ...place, trainFiles: 'x' } as never),
      [/options of importance: .*"trainFiles"/],
    ],
    ['importance', () => importance({ ...place, report: 'no' } as never), [/report must be true or false/]],
    [
      'recommend',
      () => recommend({ user: 1, request }, { ...place, testFiles: 'x' } as never),
      [/options of recommend: .*"testFiles"/],
    ],
    [
      'recommend',
      () => recommend({ user: 1, request }, { ...place, columns: { click: 'x' } }),
      [/"columns\.click"/],
    ],
    ['generate', () => generate({ out: 'x', user: 1 } as never), [/options of generate: .*mean "users"/]],
    ['generate', () => generate({ out: 'x', threads: 0 }), [/threads must be an integer from 1/]],
    ['generate', () => generate({} as never), [/out is missing/]],
    [
      'exportModel',
      () => exportModel('absent', { format: 'onnx', out: 'x', signal: null } as never),
      [/options of export: .*"signal"/],
    ],
  ]
  test('each public function takes its own options and no other', async () => {
    for (const [name, call, parts] of calls) await assert.rejects(call, isUsage(...parts), name)
  })
})
