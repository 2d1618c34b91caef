import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { NearrankError } from '../../../src/errors.ts'
import { numberFeatures } from '../../../src/features/featureSpec.ts'
import { buildApp } from '../../../src/server/app.ts'
import { type FakeServices, fakeServices, LAYOUT } from '../fakeServices.ts'
import { assertProblem, NDJSON_TYPE, send } from '../inject.ts'

const USER = '{"features":[0.1,-2,3e5]}'
const RESTAURANT = '{"features":[1,2.5],"latitude":13.75,"longitude":-180}'

describe('rows over HTTP', () => {
  let services: FakeServices
  let app: FastifyInstance
  beforeEach(() => {
    services = fakeServices()
    app = buildApp({ services, limits: { rowBodyBytesMax: 1000 } })
  })

  test('a user is put, read and deleted', async () => {
    const put = await send(app, 'PUT /users/u00042', USER)
    assert.equal(put.statusCode, 204)
    assert.equal(put.body, '')
    assert.deepEqual(services.written, [{ side: 'users', id: 42, features: Float32Array.of(0.1, -2, 3e5) }])
    const got = await send(app, 'GET /users/42')
    assert.equal(got.statusCode, 200)
    assert.match(String(got.headers['content-type']), /^application\/json/)
    assert.equal(got.headers['cache-control'], 'no-store')
    assert.equal(got.body, '{"user_id":42,"features":[0.1,-2,300000]}')
    assert.equal((await send(app, 'HEAD /users/42')).body, '')
    assert.equal((await send(app, 'DELETE /users/42')).statusCode, 204)
    assertProblem(await send(app, 'GET /users/42'), 'UNKNOWN_USER', /the id "42"$/)
    assertProblem(await send(app, 'DELETE /users/42'), 'UNKNOWN_USER')
    assert.equal(services.written.length, 3) // the store is asked to delete what this server does not know, too
  })

  test('a restaurant is put, read and deleted', async () => {
    assert.equal((await send(app, 'PUT /restaurants/-7', RESTAURANT)).statusCode, 204)
    assert.deepEqual(services.written, [
      { side: 'restaurants', id: -7, features: Float32Array.of(1, 2.5), latitude: 13.75, longitude: -180 },
    ])
    assert.deepEqual((await send(app, 'GET /restaurants/-7')).json(), {
      restaurant_id: -7,
      ...(JSON.parse(RESTAURANT) as object),
    })
    assert.equal((await send(app, 'DELETE /restaurants/-7')).statusCode, 204)
    assertProblem(await send(app, 'GET /restaurants/-7'), 'UNKNOWN_RESTAURANT')
    assertProblem(await send(app, 'DELETE /restaurants/-7'), 'UNKNOWN_RESTAURANT')
  })

  test('ids beyond 2^53 keep all their digits', async () => {
    await send(app, 'PUT /users/9007199254740993', USER)
    assert.equal(services.written[0].id, 9007199254740993n)
    assert.match((await send(app, 'GET /users/9007199254740993')).body, /^\{"user_id":9007199254740993,/)
    assertProblem(await send(app, 'GET /users/9007199254740992'), 'UNKNOWN_USER')
  })

  test('string ids are percent-decoded, and 042 is not 42', async () => {
    services = fakeServices({
      users: { features: 3, ids: 'string' },
      restaurants: { features: 2, ids: 'string' },
    })
    app = buildApp({ services })
    const id = 'a/ü 🍜"%'
    assert.equal((await send(app, `PUT /restaurants/${encodeURIComponent(id)}`, RESTAURANT)).statusCode, 204)
    assert.equal(services.written[0].id, id)
    const { restaurant_id } = (await send(app, `GET /restaurants/${encodeURIComponent(id)}`)).json<{
      restaurant_id: string
    }>()
    assert.equal(restaurant_id, id)
    await send(app, 'PUT /users/042', USER)
    assertProblem(await send(app, 'GET /users/42'), 'UNKNOWN_USER')
    assert.equal((await send(app, 'GET /users/042')).statusCode, 200)
  })

  test('what is no id is refused', async () => {
    const wrong = [
      '',
      'alice',
      '1.5',
      '1e3',
      '%20',
      'uu4',
      '9'.repeat(257),
      '9'.repeat(5000),
      '99999999999999999999',
    ]
    for (const id of wrong)
      for (const path of [`users/${id}`, `restaurants/${id}`]) {
        assertProblem(await send(app, `GET /${path}`), 'BAD_ID')
        assertProblem(await send(app, `PUT /${path}`, path.startsWith('u') ? USER : RESTAURANT), 'BAD_ID')
      }
    assertProblem(await send(app, 'GET /restaurants/u00042'), 'BAD_ID')
    assertProblem(await send(app, 'GET /users/%ff'), 'BAD_REQUEST', /percent-encoding/)
    assert.equal(services.written.length, 0)
  })

  test('bodies that do not fit are refused, and the sentence says where', async () => {
    const cases: [string, RegExp][] = [
      ['{"features":[1,2]}', /features must be a list of 3 numbers, found a list of 2$/],
      ['{"features":[1,2,3,4]}', /found a list of 4$/],
      ['{"features":[1,2,"3"]}', /features\[2\] must be a number .*, found "3"$/],
      ['{"features":[1,null,3]}', /features\[1\] .*, found null$/],
      ['{"features":[1,2,1e39]}', /features\[2\] .* 32-bit float, found 1e\+39$/],
      ['{"features":[1,2,-1e999]}', /found -Infinity$/],
      ['{"features":"x"}', /features must be a list of 3 numbers, found "x"$/],
      ['{"features":[1,2,3],"extra":1}', /the fields are features, found "extra"$/],
      ['{"__proto__":{"features":[1,2,3]}}', /found "__proto__"$/],
      ['{"features":[1,2,3],"constructor":{"prototype":{}}}', /found "constructor"$/],
      ['{}', /features is missing: it must be a list of 3 numbers$/],
      ['[]', /must be a JSON object, found a list of 0$/],
      ['null', /found null$/],
      ['', /must be a JSON object/],
    ]
    for (const [body, detail] of cases)
      assertProblem(await send(app, 'PUT /users/1', body), 'BAD_BODY', detail)
    for (const [field, value] of [
      ['latitude', 90.1],
      ['latitude', '1'],
      ['longitude', -181],
      ['longitude', null],
    ] as const) {
      const body = JSON.stringify({ ...(JSON.parse(RESTAURANT) as object), [field]: value })
      assertProblem(
        await send(app, 'PUT /restaurants/1', body),
        'BAD_BODY',
        new RegExp(`${field} must be degrees`),
      )
    }
    assertProblem(await send(app, 'PUT /users/1'), 'BAD_BODY')
    assert.equal(services.written.length, 0)
    assert.equal(({} as { features?: unknown }).features, undefined)
  })

  test('numbers may be told by name, where the names are known', async () => {
    const named = '{"features":{"c":3,"a":0.1,"b":-2}}'
    assertProblem(
      await send(app, 'PUT /users/1', named),
      'BAD_BODY',
      /features must be a list of 3 numbers, found \{"c":3,"a":0.1,"b":-2\}$/,
    )
    services = fakeServices({
      users: { features: 3, ids: 'integer', names: ['a', 'b', 'c'] },
      restaurants: { features: 2, ids: 'integer', names: ['x', 'y'] },
    })
    app = buildApp({ services })
    assert.equal((await send(app, 'PUT /users/1', named)).statusCode, 204)
    assert.deepEqual(services.written, [{ side: 'users', id: 1, features: Float32Array.of(0.1, -2, 3) }])
    assert.equal((await send(app, 'GET /users/1')).body, '{"user_id":1,"features":[0.1,-2,3]}')
    const place = '"latitude":1,"longitude":2'
    assert.equal(
      (await send(app, 'PUT /restaurants/1', `{"features":{"x":1,"y":2},${place}}`)).statusCode,
      204,
    )
    assert.equal((await send(app, 'PUT /restaurants/2', `{"features":[1,2],${place}}`)).statusCode, 204)
    const line = `{"restaurant_id":3,"features":{"y":2,"x":1},${place}}`
    assert.equal((await send(app, 'POST /features', line, NDJSON_TYPE)).statusCode, 200)
    assert.deepEqual(services.written.at(-1), {
      side: 'restaurants',
      id: 3,
      features: Float32Array.of(1, 2),
      latitude: 1,
      longitude: 2,
    })
    const count = services.written.length
    for (const [features, detail] of [
      ['{"a":1,"b":2}', /features must be all of a, b, c, without c they are not complete$/],
      ['{"a":1,"b":2,"c":null}', /feature c must be a number within .*, found null$/],
      ['{"a":1,"b":2,"c":3,"d":4}', /the feature "d" is unknown, the features are a, b, c$/],
      ['{"a":1,"b":2,"c":"3"}', /feature c must be a number within the range of a 32-bit float, found "3"$/],
      ['{"a":1,"b":2,"c":1e39}', /feature c must be a number within .*, found 1e\+39$/],
      ['[1,2]', /features must be a list of 3 numbers, found a list of 2$/],
    ] as const)
      assertProblem(await send(app, 'PUT /users/1', `{"features":${features}}`), 'BAD_BODY', detail)
    assert.equal(services.written.length, count)
    const { paths } = (await send(app, 'GET /openapi.json')).json<{ paths: Record<string, object> }>()
    assert.match(JSON.stringify(paths['/users/{id}']), /"anyOf":\[\{.*"minItems":3.*"properties":\{"a"/)
  })

  test('what is not JSON, too large or of another type is refused', async () => {
    for (const text of ['{', '{"features":[1,2,3]} x', '{"features":[NaN,1,2]}', '\u{feff}\u{feff}{}'])
      assertProblem(await send(app, 'PUT /users/1', text), 'BAD_JSON')
    assertProblem(await send(app, 'PUT /users/1', Buffer.from([0x22, 0xff, 0x22])), 'BAD_JSON', /UTF-8/)
    assertProblem(await send(app, 'PUT /users/1', ' '.repeat(1001)), 'BODY_TOO_LARGE')
    for (const type of ['text/plain', 'application/x-ndjson', 'application/x-www-form-urlencoded', '///'])
      assertProblem(await send(app, 'PUT /users/1', USER, { 'content-type': type }), 'UNSUPPORTED_MEDIA_TYPE')
    assertProblem(await send(app, 'PUT /users/1', USER, {}), 'UNSUPPORTED_MEDIA_TYPE')
    const charset = { 'content-type': 'application/json; charset=utf-8' }
    assert.equal((await send(app, 'PUT /users/1', USER, charset)).statusCode, 204)
  })

  test('the largest numbers that round to a float32 pass, the next do not', async () => {
    const bound = 2 ** 128 - 2 ** 103 // half a unit above the largest float32
    const below = bound - 2 ** 75 // the next double
    assert.ok(Number.isFinite(Math.fround(below)))
    assert.equal(Math.fround(bound), Infinity)
    for (const sign of [1, -1]) {
      assert.equal((await send(app, 'PUT /users/1', `{"features":[0,0,${sign * below}]}`)).statusCode, 204)
      assertProblem(await send(app, 'PUT /users/1', `{"features":[0,0,${sign * bound}]}`), 'BAD_BODY')
    }
  })

  test('every float32 is read back as it was put', () =>
    fc.assert(
      fc.asyncProperty(
        fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true, noDefaultInfinity: true }),
        async (row) => {
          const body = JSON.stringify({ features: Array.from(row) })
          assert.equal((await send(app, 'PUT /users/5', body)).statusCode, 204)
          const { features } = (await send(app, 'GET /users/5')).json<{ features: number[] }>()
          assert.deepEqual(
            Array.from(features, (x) => Math.fround(x) + 0),
            Array.from(row, (x) => x + 0),
          )
        },
      ),
    ))

  test('a store that fails is 503, one that is full 507, and neither tells its message', async () => {
    const cases = [
      [new NearrankError('UNAVAILABLE', 'redis://secret'), 'STORE_UNAVAILABLE'],
      [new NearrankError('DISK', '/secret/path'), 'STORE_UNAVAILABLE'],
      [new NearrankError('MEMORY', 'secret'), 'STORE_FULL'],
      [new NearrankError('INTERNAL', 'secret'), 'INTERNAL'],
      [new Error('secret'), 'INTERNAL'],
    ] as const
    services.rows.set(services.keyOf('users', 1), { side: 'users', id: 1, features: new Float32Array(3) })
    for (const [failure, code] of cases)
      for (const [request, body] of [
        ['PUT /users/1', USER],
        ['DELETE /users/1', undefined],
      ] as const) {
        services.failure = failure
        const response = await send(app, request, body)
        assertProblem(response, code)
        assert.doesNotMatch(response.body, /secret/)
      }
  })
})

describe('a side that is known by its ids alone', () => {
  const id = { name: 'user_id', kind: 'category', id: true, values: ['7'], dim: 4 } as const
  const services = fakeServices(
    { ...LAYOUT, users: { features: 1, ids: 'integer', form: 'values', names: ['user_id'] } },
    { users: [id], restaurants: numberFeatures(['x', 'y']) },
  )
  const app = buildApp({ services })

  test('an id in the body must be that of the path, or of the line', async () => {
    for (const features of ['{}', '{"user_id":null}', '{"user_id":7}', '{"user_id":"7"}'])
      assert.equal((await send(app, 'PUT /users/7', `{"features":${features}}`)).statusCode, 204, features)
    const detail = "feature user_id must be the row's own id, 7, or be left out, found 8"
    services.written.length = 0
    assertProblem(
      await send(app, 'PUT /users/7', '{"features":{"user_id":8}}'),
      'BAD_BODY',
      `Cannot use the body: ${detail}`,
    )
    const lines = '{"user_id":7,"features":{}}\n{"user_id":7,"features":{"user_id":8}}'
    assertProblem(
      await send(app, 'POST /features', lines, NDJSON_TYPE),
      'BAD_BODY',
      `Cannot use line 2: ${detail}; nothing was written`,
    )
    assert.deepEqual(services.written, [])
  })
})
