import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { NearrankError } from '../../../src/errors.ts'
import { buildApp } from '../../../src/server/app.ts'
import { createLogger } from '../../../src/server/logger.ts'
import { type FakeServices, fakeServices } from '../fakeServices.ts'
import { assertProblem, JSON_TYPE, NDJSON_TYPE, send } from '../inject.ts'

const USER = '{"user_id":1,"features":[1,2,3]}'
const RESTAURANT = '{"restaurant_id":"2","features":[1,2],"latitude":3,"longitude":4}'

describe('POST /features', () => {
  let services: FakeServices
  let app: FastifyInstance
  beforeEach(() => {
    services = fakeServices()
    app = buildApp({ services, limits: { rowBodyBytesMax: 200, bulkBodyBytesMax: 100_000 } })
  })
  const load = (body: string | Buffer) => send(app, 'POST /features', body, NDJSON_TYPE)

  test('rows and deletions are written at once, in their order', async () => {
    const lines = [
      USER,
      '',
      RESTAURANT,
      ' \t',
      '{"user_id":"u0001","deleted":true}',
      '{"restaurant_id":9,"deleted":true}',
    ]
    const response = await load(`${lines.join('\r\n')}\n\n`)
    assert.equal(response.statusCode, 200)
    assert.deepEqual(response.json(), { users: 1, restaurants: 1, deleted: 2 })
    assert.deepEqual(services.written, [
      { side: 'users', id: 1, features: Float32Array.of(1, 2, 3) },
      { side: 'restaurants', id: 2, features: Float32Array.of(1, 2), latitude: 3, longitude: 4 },
      { side: 'users', id: 1, deleted: true },
      { side: 'restaurants', id: 9, deleted: true },
    ])
  })

  test('a body without a row is refused, and empty lines among rows are skipped', async () => {
    const wanted = 'Cannot use the body: it must have a line with a row, found '
    for (const blank of ['\n', '\n\n', '\r\n', ' \t', '\u{FEFF}'])
      assertProblem(await load(blank), 'BAD_BODY', `${wanted}empty lines only`)
    assertProblem(await load(''), 'BAD_BODY', `${wanted}none`)
    assert.deepEqual((await load(`\n\n${USER}\r\n\r\n`)).json(), { users: 1, restaurants: 0, deleted: 0 })
    assertProblem(await send(app, 'POST /features'), 'BAD_BODY')
  })

  test('the other names of the media type do as well, JSON does not', async () => {
    for (const type of ['application/ndjson', 'application/jsonl', 'application/x-ndjson; charset=utf-8'])
      assert.equal((await send(app, 'POST /features', USER, { 'content-type': type })).statusCode, 200)
    assertProblem(await send(app, 'POST /features', USER, JSON_TYPE), 'UNSUPPORTED_MEDIA_TYPE')
  })

  test('the first wrong line is named, and nothing is written', async () => {
    const cases: [string | Buffer, Parameters<typeof assertProblem>[1], RegExp][] = [
      ['{', 'BAD_JSON', /./],
      [Buffer.from([0x22, 0xff, 0x22]), 'BAD_JSON', /UTF-8/],
      ['[1]', 'BAD_BODY', /user_id or restaurant_id/],
      ['42', 'BAD_BODY', /user_id or restaurant_id/],
      ['{"features":[1,2,3]}', 'BAD_BODY', /user_id or restaurant_id/],
      ['{"user_id":1}', 'BAD_BODY', /features is missing/],
      ['{"user_id":1,"deleted":false}', 'BAD_BODY', /deleted must be true, found false/],
      ['{"user_id":1,"deleted":true,"features":[1,2,3]}', 'BAD_BODY', /found "features"/],
      ['{"user_id":1,"features":[1,2]}', 'BAD_BODY', /a list of 3 numbers, found a list of 2/],
      ['{"user_id":1,"features":[1,2,1e300]}', 'BAD_BODY', /features\[2\].*1e\+300/],
      ['{"user_id":1,"restaurant_id":1,"features":[1,2,3]}', 'BAD_BODY', /found "user_id"/],
      ['{"user_id":true,"features":[1,2,3]}', 'BAD_BODY', /user_id must be an integer .* found true/],
      ['{"user_id":9007199254740993,"features":[1,2,3]}', 'BAD_BODY', /user_id must be .*larger integers/],
      ['{"user_id":"alice","features":[1,2,3]}', 'BAD_ID', /the user id: it must be an integer/],
      ['{"user_id":"\\ud800","features":[1,2,3]}', 'BAD_ID', /must be an integer .*, found "\\ud800"/],
      ['{"__proto__":{},"user_id":1,"features":[1,2,3]}', 'BAD_BODY', /found "__proto__"/],
      [
        '{"restaurant_id":"u2","deleted":true}',
        'BAD_ID',
        /the restaurant id: it must be an integer from −2\^63 to 2\^63 − 1, like 42, found "u2"/,
      ],
      [`{"user_id":1,"features":[1,2,3]}${' '.repeat(200)}`, 'BAD_BODY', /at most 200 bytes, found 232/],
    ]
    for (const [line, code, detail] of cases) {
      const body = Buffer.concat([Buffer.from(`${USER}\n\n`), Buffer.from(line), Buffer.from(`\n${USER}`)])
      const response = await load(body)
      assertProblem(response, code, /^Cannot use line 3: .*; nothing was written$/)
      assertProblem(response, code, detail)
    }
    assert.equal(services.written.length, 0)
  })

  test('too large a body is refused', async () =>
    assertProblem(await load(Buffer.alloc(100_001, 10)), 'BODY_TOO_LARGE'))

  test('a store that fails is a problem, and the next load goes on', async () => {
    for (let i = 0; i < 3; i++) {
      services.failure = new NearrankError('UNAVAILABLE', 'secret')
      assertProblem(await load(USER), 'STORE_UNAVAILABLE', /nothing, or only a part, was written/)
    }
    assert.equal((await load(USER)).statusCode, 200)
  })

  test('a third load at once is told to come back, the others end well', async () => {
    const waiting: (() => void)[] = []
    services.features.write = () => new Promise((resolve) => waiting.push(resolve))
    const lines: Record<string, unknown>[] = []
    const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
    app = buildApp({ services, logger: createLogger({ level: 'info', destination: { write } }) })
    const two = [load(USER), load(USER)]
    while (waiting.length < 2) await setImmediate()
    assertProblem(await load(USER), 'OVERLOADED')
    for (const resolve of waiting) resolve()
    for (const response of await Promise.all(two)) assert.equal(response.statusCode, 200)
    const told = lines.map(({ level, msg, route, code, err }) => ({ level, msg, route, code, err }))
    const refusal = { level: 'info', msg: 'request refused', route: '/features', code: 'OVERLOADED' }
    assert.deepEqual(told, [{ ...refusal, err: undefined }], 'no error: the server does what it is meant to')
  })

  test('other requests are answered while a large load is read', async () => {
    app = buildApp({ services })
    const lines = Array.from({ length: 200_000 }, (_, i) => `{"user_id":${i},"features":[1,2,${i}]}`)
    const state = { isDone: false }
    const big = load(lines.join('\n')).finally(() => (state.isDone = true))
    let between = 0
    while (!state.isDone) {
      await setImmediate() // as a socket would: an injected request alone never leaves the microtasks
      assert.equal((await send(app, 'GET /health/live')).statusCode, 200)
      if (!state.isDone) between += 1
    }
    assert.deepEqual((await big).json(), { users: 200_000, restaurants: 0, deleted: 0 })
    assert.ok(between >= 5, `${between} answers in the meantime`)
    assert.deepEqual(services.written[199_999], {
      side: 'users',
      id: 199_999,
      features: Float32Array.of(1, 2, 199_999),
    })
  })

  test('any bytes are a 200 or a 4xx that names a line, if there is one', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.json(),
            fc.string(),
            fc.constantFrom(USER, RESTAURANT, ''),
            fc
              .record(
                {
                  user_id: fc.jsonValue(),
                  restaurant_id: fc.jsonValue(),
                  features: fc.jsonValue(),
                  deleted: fc.boolean(),
                },
                { requiredKeys: [] },
              )
              .map((value) => JSON.stringify(value)),
          ),
          { maxLength: 6 },
        ),
        async (lines) => {
          services.written.length = 0
          const response = await load(`${lines.join('\n')}\n`)
          if (response.statusCode === 200) return
          assert.ok(['BAD_JSON', 'BAD_BODY', 'BAD_ID'].includes(response.json<{ code: string }>().code))
          assert.match(
            response.json<{ detail: string }>().detail,
            /^Cannot use (?:line \d+: |the body: it must have a line)/,
          )
          assert.equal(services.written.length, 0)
        },
      ),
      { numRuns: 2000 },
    ))
})
