import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { ModelFeature } from '../../../src/console/api/modelFeatures.ts'
import { queriesOf } from '../../../src/console/api/rows.ts'
import { contextValues } from '../../../src/console/explore/contextValues.ts'
import { curlCommand } from '../../../src/console/explore/curlCommand.ts'
import { LatestCalls } from '../../../src/console/explore/latestCalls.ts'

describe('the curl command', () => {
  const words = (command: string): string[] =>
    execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], {
      encoding: 'utf8',
      env: { NEARRANK_API_KEY: 'the key' },
    })
      .split('\0')
      .slice(0, -1)

  test('a shell takes it for the request, whatever is in it', () => {
    const nasty = `it's $HOME "x" \\ \`id\` !!\n%`
    const query = { latitude: 13.75, longitude: -0.5, size: 3, maxDistM: 900, context: { device: nasty } }
    const options = { root: 'https://host.example/shop', hasKey: true }
    assert.deepEqual(words(curlCommand("o'x", query, options)), [
      "https://host.example/shop/recommend/o'x",
      '-H',
      'content-type: application/json',
      '-H',
      'authorization: Bearer the key',
      '-d',
      JSON.stringify({
        latitude: 13.75,
        longitude: -0.5,
        size: 3,
        max_dist: 900,
        context: { device: nasty },
      }),
    ])
    const bare = words(
      curlCommand(7n, { latitude: 1, longitude: 2, sortByDistance: true }, { ...options, hasKey: false }),
    )
    assert.deepEqual(bare.slice(-2), ['-d', '{"latitude":1,"longitude":2,"sort_dist":true}'])
    assert.ok(!bare.some((word) => word.includes('authorization')))
  })
})

describe('the context of a request', () => {
  const feature = (name: string, kind: ModelFeature['kind']): ModelFeature => ({
    name,
    kind,
    mayBeMissing: true,
  })
  const features = [
    feature('count', 'number'),
    feature('device', 'category'),
    feature('tags', 'categories'),
    feature('when', 'time'),
    feature('taste', 'vector'),
    feature('at', 'cell'),
  ]

  test('each field becomes the value of its kind, and an empty one tells nothing', () => {
    assert.deepEqual(
      contextValues(features, {
        count: ['2.5'],
        device: ['5'],
        tags: ['a', 'b'],
        when: ['2026-02-03T12:40'],
        taste: ['1, 2 3.5'],
        at: ['13.8;100.5'],
        unknown: ['x'],
      }),
      {
        count: 2.5,
        device: '5',
        tags: ['a', 'b'],
        when: '2026-02-03T12:40',
        taste: [1, 2, 3.5],
        at: [13.8, 100.5],
      },
    )
    assert.equal(contextValues(features, { device: [''], tags: [], unknown: ['x'] }), undefined)
    assert.deepEqual(
      contextValues(features, { count: ['two'] }),
      { count: 'two' },
      'the server says what is wrong',
    )
  })
})

test('ids are asked for in few queries, each short enough, in their order', () => {
  const id = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ minLength: 1, maxLength: 256 }),
  )
  fc.assert(
    fc.property(fc.array(id, { maxLength: 300 }), (ids) => {
      const usable = ids.filter((one) => typeof one === 'bigint' || one.isWellFormed())
      const queries = queriesOf(usable)
      assert.deepEqual(
        queries.flatMap((query) => new URLSearchParams(query).getAll('id')),
        usable.map(String),
      )
      for (const query of queries) {
        const count = query.split('&').length
        assert.ok(
          count <= 100 && (count === 1 || query.length <= 6000),
          `${count} ids, ${query.length} characters`,
        )
      }
      assert.ok(queries.length <= Math.ceil(usable.length / 100) + queries.join('').length / 3000)
    }),
  )
})

test('of calls that come while one runs, the last alone is made', async () => {
  const calls = new LatestCalls()
  const done: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const call =
    (i: number, wait: Promise<void> = Promise.resolve()) =>
    () =>
      wait.then(() => void done.push(i))
  calls.run(call(1, promise))
  for (const i of [2, 3, 4]) calls.run(call(i))
  assert.deepEqual(done, [])
  resolve()
  await new Promise(setImmediate)
  assert.deepEqual(done, [1, 4])
  calls.run(call(5))
  await new Promise(setImmediate)
  assert.deepEqual(done, [1, 4, 5])
})
