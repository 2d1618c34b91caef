import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { NearrankApiError, NearrankClient } from '../../src/client/nearrankClient.ts'
import { listen, sendJson, sendProblem, sendText } from './listen.ts'

const PLACE = { latitude: 13.8, longitude: 100.5 }
const MODEL = {
  version: 3,
  path: 'model',
  checksum: 'ab12',
  created_at: '2026-01-02T03:04:05Z',
  loaded_at: '2026-01-03T03:04:05Z',
}

describe('recommend', () => {
  test('sends what was asked under the names of the API', async () => {
    const server = await listen((response) =>
      sendJson(response, 200, { restaurants: [{ id: 2, score: 0.85, displacement: 800.4 }] }),
    )
    const client = new NearrankClient({ url: server.url, apiKey: 'key-1' })
    const query = { ...PLACE, candidateRestaurantIds: [1, 2], size: 5, maxDistM: 700, sortByDistance: true }
    assert.deepEqual(await client.recommend('u00042', query), {
      restaurants: [{ id: 2, score: 0.85, displacementM: 800.4 }],
      user: 'known',
    })
    const [{ method, url, headers, body }] = server.seen
    assert.equal(`${method} ${url}`, 'POST /recommend/u00042')
    assert.equal(headers.authorization, 'Bearer key-1')
    assert.equal(headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(body), {
      candidate_restaurant_ids: [1, 2],
      latitude: 13.8,
      longitude: 100.5,
      size: 5,
      max_dist: 700,
      sort_dist: true,
    })
  })

  test('reads explanations, and says what is wrong with one', async () => {
    const features = [
      { feature: 'pair.distance', effect: 0.61, value: 830, encoded: 'bucket 6' },
      { feature: 'restaurant.tags', effect: -0.1, value: ['halal', null], encoded: 'code 2' },
      { feature: 'user.age', effect: 0, value: null, encoded: 'missing' },
    ]
    const explanation = { baseline: -1.2, logit: 0.8, features }
    const item = { id: 2, score: 0.85, displacement: 830 }
    const bodies = [
      JSON.stringify({ restaurants: [{ ...item, explanation }] }),
      '{"restaurants":[{"id":2,"score":0.5,"displacement":1,"explanation":{"baseline":0,"logit":0,"features":' +
        '[{"feature":"user.id","effect":0,"value":9007199254740993,"encoded":"code 2"}]}}]}',
      JSON.stringify({ restaurants: [{ ...item, explanation: { ...explanation, logit: null } }] }),
    ]
    const server = await listen((response) => sendText(response, 200, bodies.shift()!))
    const client = new NearrankClient({ url: server.url, retries: 0 })
    const query = { ...PLACE, explain: true }
    const { restaurants } = await client.recommend(1, query)
    assert.deepEqual(restaurants, [{ id: 2, score: 0.85, displacementM: 830, explanation }])
    assert.deepEqual(JSON.parse(server.seen[0].body), query)
    const [large] = (await client.recommend(1, query)).restaurants
    assert.equal(large.explanation?.features[0].value, 9007199254740993n)
    await assert.rejects(client.recommend(1, query), /expected a finite number as logit, found null/)
  })

  test('whole numbers past 2^53 are numbers, but for ids, which keep all digits', async () => {
    const bodies = [
      '{"restaurant_id":9007199254740993,"features":{"sum":10000000000000000,"sizes":[1,-9007199254740994],"name":"x"},"latitude":1,"longitude":2}',
      '{"restaurants":[{"id":9007199254740993,"score":0.5,"displacement":1,"explanation":{"baseline":0,"logit":9007199254740994,"features":[]}}]}',
    ]
    const server = await listen((response) => sendText(response, 200, bodies.shift()!))
    const client = new NearrankClient({ url: server.url, retries: 0 })
    const stored = await client.getRestaurant(9007199254740993n)
    assert.deepEqual(stored, {
      id: 9007199254740993n,
      features: { sum: 1e16, sizes: [1, -9007199254740994], name: 'x' },
      latitude: 1,
      longitude: 2,
    })
    const [ranked] = (await client.recommend(1, PLACE)).restaurants
    assert.deepEqual([ranked.id, ranked.explanation?.logit], [9007199254740993n, 9007199254740994])
  })

  test('leaves out what is not said', async () => {
    const server = await listen((response) => sendJson(response, 200, { restaurants: [] }))
    await new NearrankClient({ url: server.url }).recommend(42, PLACE)
    const client = new NearrankClient({ url: server.url })
    const nothing = { candidateRestaurantIds: null, size: null, maxDistM: null, sortByDistance: null }
    await client.recommend(42, { ...PLACE, ...nothing, context: null, explain: null })
    for (const { body } of server.seen) assert.deepEqual(JSON.parse(body), PLACE)
    assert.equal(server.seen[0].headers.authorization, undefined)
  })

  test('tells when the server ranked for the mean user', async () => {
    const server = await listen((response) =>
      sendJson(response, 200, { restaurants: [] }, { 'nearrank-user': 'average' }),
    )
    assert.equal((await new NearrankClient({ url: server.url }).recommend(42, PLACE)).user, 'average')
  })

  test('keeps all digits of ids beyond 2^53, both ways', async () => {
    const server = await listen((response) =>
      sendText(response, 200, '{"restaurants":[{"id":9007199254740993,"score":0.5,"displacement":1}]}'),
    )
    const query = { ...PLACE, candidateRestaurantIds: [9007199254740993n, 7n, 'x'] }
    const { restaurants } = await new NearrankClient({ url: server.url }).recommend(2n ** 63n - 1n, query)
    assert.deepEqual(restaurants, [{ id: 9007199254740993n, score: 0.5, displacementM: 1 }])
    assert.equal(server.seen[0].url, '/recommend/9223372036854775807')
    assert.match(server.seen[0].body, /\["9007199254740993",7,"x"\]/)
  })

  test('writes ids into the path so that the server reads the same ones', async () => {
    const server = await listen((response) => sendJson(response, 200, { restaurants: [] }))
    const client = new NearrankClient({ url: `${server.url}/api/` })
    const ids = ['a/b', 'a?b#c', '50%', 'ü ñ', '../x', '-7', '%2e%2e']
    for (const id of ids) await client.recommend(id, PLACE)
    const read = server.seen.map(({ url }) => decodeURIComponent(url.replace('/api/recommend/', '')))
    assert.deepEqual(read, ids)
  })

  test('refuses before it sends', async () => {
    const server = await listen((response) => sendJson(response, 200, { restaurants: [] }))
    const client = new NearrankClient({ url: server.url })
    for (const id of ['', '.', '..', '\ud800', 1.5, 2 ** 53, Number.NaN])
      await assert.rejects(client.recommend(id, PLACE), TypeError, String(id))
    await assert.rejects(client.recommend(1, { ...PLACE, candidateRestaurantIds: [1, 0.5] }), TypeError)
    await assert.rejects(client.recommend(1, { ...PLACE, maxDistM: Number.POSITIVE_INFINITY }), /maxDistM/)
    await assert.rejects(client.putUser(1, [1, Number.NaN]), /NaN at position 1/)
    await assert.rejects(client.putRestaurant(1, { ...PLACE, latitude: Number.NaN, features: [] }), TypeError)
    assert.equal(server.seen.length, 0)
  })
})

describe('rows', () => {
  test('are put in, read and taken out', async () => {
    const rows = new Map<string, object>()
    const server = await listen((response, { method, url, body }) => {
      if (method === 'PUT') {
        rows.set(url, JSON.parse(body))
        response.writeHead(204).end()
      } else if (method === 'DELETE') {
        if (rows.delete(url)) response.writeHead(204).end()
        else sendProblem(response, 404, url.startsWith('/users') ? 'UNKNOWN_USER' : 'UNKNOWN_RESTAURANT')
      } else if (rows.has(url)) {
        const [, kind, id] = url.split('/')
        sendJson(response, 200, { [`${kind.slice(0, -1)}_id`]: Number(id), ...rows.get(url) })
      } else sendProblem(response, 404, url.startsWith('/users') ? 'UNKNOWN_USER' : 'UNKNOWN_RESTAURANT')
    })
    const client = new NearrankClient({ url: server.url })
    await client.putUser(42, Float32Array.of(0.5, -2))
    assert.deepEqual(await client.getUser(42), { id: 42, features: [0.5, -2] })
    assert.equal(await client.deleteUser(42), true)
    assert.equal(await client.deleteUser(42), false)
    assert.equal(await client.getUser(42), undefined)

    await client.putRestaurant(7, { features: [1], latitude: -90, longitude: 180 })
    const restaurant = { id: 7, features: [1], latitude: -90, longitude: 180 }
    assert.deepEqual(await client.getRestaurant(7), restaurant)
    assert.equal(await client.deleteRestaurant(7), true)
    assert.equal(await client.deleteRestaurant(7), false)
    assert.equal(await client.getRestaurant(7), undefined)
  })

  test('no other 404 is taken for "there is none"', async () => {
    const proxy = await listen((response) =>
      sendText(response, 404, '<h1>Not here</h1>', { 'content-type': 'text/html' }),
    )
    await assert.rejects(new NearrankClient({ url: proxy.url }).deleteUser(1), {
      status: 404,
      code: 'HTTP_404',
    })
    const wrongPath = await listen((response) => sendProblem(response, 404, 'UNKNOWN_ROUTE'))
    const client = new NearrankClient({ url: wrongPath.url })
    await assert.rejects(client.getUser(1), { status: 404, code: 'UNKNOWN_ROUTE', retryAfterMs: null })
    await assert.rejects(client.deleteRestaurant(1), { code: 'UNKNOWN_ROUTE' })
  })
})

describe('putFeatures', () => {
  test('sends all rows in requests of bounded size and adds up what was done', async () => {
    const received: unknown[] = []
    const server = await listen((response, { body, headers }) => {
      assert.equal(headers['content-type'], 'application/x-ndjson')
      assert.ok(body.endsWith('\n'))
      const lines: unknown[] = body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      received.push(...lines)
      sendJson(response, 200, { users: lines.length, restaurants: 1, deleted: 2 })
    })
    async function* rows() {
      for (let userId = 0; userId < 20_000; userId++)
        yield { userId, features: Float32Array.from({ length: 10 }, (_, i) => userId / (i + 3)) }
      yield { restaurantId: 'r', features: [1], ...PLACE }
      yield { restaurantId: 5, deleted: true } as const
      yield { userId: 3, deleted: true } as const
    }
    const done = await new NearrankClient({ url: server.url }).putFeatures(rows())
    const requests = server.seen.length
    assert.ok(requests > 3, `${requests} requests`)
    assert.deepEqual(done, { users: 20_003, restaurants: requests, deleted: 2 * requests })
    for (const { body } of server.seen) assert.ok(Buffer.byteLength(body) <= 500_000)
    assert.equal(received.length, 20_003)
    assert.deepEqual(received[19_999], {
      user_id: 19_999,
      features: Array.from({ length: 10 }, (_, i) => Math.fround(19_999 / (i + 3))),
    })
    assert.deepEqual(received.slice(20_000), [
      { restaurant_id: 'r', features: [1], ...PLACE },
      { restaurant_id: 5, deleted: true },
      { user_id: 3, deleted: true },
    ])
  })

  test('stops at the first request that fails, naming its rows, and lets go of the source', async () => {
    const server = await listen((response, _request, position) =>
      position === 1
        ? sendProblem(response, 400, 'WRONG')
        : sendJson(response, 200, { users: 1, restaurants: 0, deleted: 0 }),
    )
    let isReleased = false
    function* rows() {
      try {
        for (let userId = 0; ; userId++) yield { userId, features: new Float32Array(1000) } // about 2,000 characters
      } finally {
        isReleased = true
      }
    }
    await assert.rejects(new NearrankClient({ url: server.url }).putFeatures(rows()), (error) => {
      assert.ok(error instanceof NearrankApiError)
      assert.match(
        error.message,
        /^Cannot put rows 2\d\d to 4\d\d: Title of WRONG: Detail of WRONG\. \(WRONG\)$/,
      )
      return true
    })
    assert.equal(server.seen.length, 2)
    assert.ok(isReleased)
  })

  test('names the row that cannot be sent', async () => {
    const server = await listen((response) =>
      sendJson(response, 200, { users: 0, restaurants: 0, deleted: 0 }),
    )
    const client = new NearrankClient({ url: server.url })
    const good = { userId: 1, features: [1] }
    const wrong = { userId: 2, features: [1, Number.NEGATIVE_INFINITY] }
    await assert.rejects(client.putFeatures([good, wrong]), /row 1: .* -Infinity at position 1/)
    assert.deepEqual(await client.putFeatures([]), { users: 0, restaurants: 0, deleted: 0 })
    assert.equal(server.seen.length, 0)
  })
})

describe('administration', () => {
  test('models are told, loaded and rolled back', async () => {
    const server = await listen((response) => sendJson(response, 200, MODEL))
    const client = new NearrankClient({ url: server.url })
    const model = {
      version: 3,
      path: 'model',
      checksum: 'ab12',
      createdAt: MODEL.created_at,
      loadedAt: MODEL.loaded_at,
    }
    assert.deepEqual(await client.model(), model)
    assert.deepEqual(await client.reload(), model)
    assert.deepEqual(await client.rollback(), model)
    const paths = server.seen.map(({ method, url }) => `${method} ${url}`)
    assert.deepEqual(paths, ['GET /admin/model', 'POST /admin/reload', 'POST /admin/rollback'])
  })

  test('a server that is not ready is an answer, not an error', async () => {
    const server = await listen((response, { url }, position) => {
      assert.equal(url, '/health/ready')
      if (position === 0)
        sendJson(response, 503, { status: 'starting', reasons: ['warming'] }, { 'retry-after': '1' })
      else sendJson(response, 200, { status: 'ready', reasons: [], users: 5 })
    })
    const client = new NearrankClient({ url: server.url })
    assert.deepEqual(await client.ready(), { ready: false, status: 'starting', reasons: ['warming'] })
    assert.deepEqual(await client.ready(), { ready: true, status: 'ready', reasons: [] })
  })
})

describe('the client itself', () => {
  test('refuses settings that cannot work, and shows no key', () => {
    const url = 'http://127.0.0.1:8080'
    for (const wrong of ['', 'localhost:8080', 'ftp://x', 'http://u:p@x', 'http://x/?a=1', '/api'])
      assert.throws(() => new NearrankClient({ url: wrong }), TypeError, wrong)
    for (const timeoutMs of [0, -1, 1.5, Number.NaN, 2 ** 31])
      assert.throws(() => new NearrankClient({ url, timeoutMs }), TypeError, String(timeoutMs))
    assert.throws(() => new NearrankClient({ url, retries: -1 }), TypeError)
    const apiKey = 'secret\nx-evil: 1'
    assert.throws(
      () => new NearrankClient({ url, apiKey }),
      (error) => error instanceof TypeError && !error.message.includes('secret'),
    )
  })

  test('a given fetch is called as a plain function, as a browser demands', async () => {
    const fetch = function (this: unknown) {
      assert.equal(this, undefined)
      return Promise.resolve(new Response('{"restaurants":[]}'))
    }
    const client = new NearrankClient({ url: 'http://nearrank.invalid', fetch })
    assert.deepEqual(await client.recommend(1, PLACE), { restaurants: [], user: 'known' })
  })

  test('has nothing of Node and nothing from outside of its folder', () => {
    const folder = new URL('../../src/client/', import.meta.url)
    const files = readdirSync(folder)
    assert.ok(files.includes('nearrankClient.ts'))
    for (const file of files) {
      const source = readFileSync(new URL(file, folder), 'utf8')
      for (const [, specifier] of source.matchAll(/\bfrom\s*'([^']+)'/g))
        assert.match(specifier, /^\.\/\w+\.ts$/)
      assert.doesNotMatch(source, /\b(?:process|Buffer|require|setImmediate)\b\s*[.(]|NodeJS\.|node:/, file)
    }
  })
})
