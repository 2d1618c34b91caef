import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { NearrankApiError, NearrankClient } from '../../src/client/nearrankClient.ts'
import { readRetryAfterMs } from '../../src/client/problemFields.ts'
import { listen, sendJson, sendProblem, sendText } from './listen.ts'

const PLACE = { latitude: 13.8, longitude: 100.5 }
const FOREVER_MS = 60_000

describe('the size of an answer', () => {
  test('past the limit it is an error at once, whatever the status, and is not asked for again', async () => {
    for (const status of [200, 503]) {
      let sent = 0
      const server = await listen(async (response) => {
        response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
        const piece = Buffer.alloc(65_536, ' ')
        // It never ends by itself.
        while (!response.destroyed) {
          sent += piece.length
          if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')])
        }
      })
      const client = new NearrankClient({ url: server.url, answerBytesMax: 1_000_000 })
      await assert.rejects(client.recommend(1, PLACE), {
        name: 'NearrankApiError',
        status,
        code: 'ANSWER_TOO_LARGE',
        message:
          'Cannot recommend for user 1: the answer must have at most 1000000 bytes, found more: ask for less, or give the client a larger answerBytesMax (ANSWER_TOO_LARGE)',
      })
      await server.closed[0]
      assert.equal(server.seen.length, 1)
      assert.ok(sent < 50e6, `${sent} bytes`)
    }
  })

  test('as many bytes as are allowed are read, unpacked ones counted, and characters are whole', async () => {
    const text = JSON.stringify({
      restaurants: [{ id: 'é\u{1F35C}'.repeat(50_000), score: 0.5, displacement: 1 }],
    })
    const packed = gzipSync(text)
    const server = await listen((response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed),
    )
    const answerBytesMax = Buffer.byteLength(text)
    const client = new NearrankClient({ url: server.url, answerBytesMax })
    const { restaurants } = await client.recommend(1, PLACE)
    assert.equal(restaurants[0].id, 'é\u{1F35C}'.repeat(50_000))
    const smaller = new NearrankClient({ url: server.url, answerBytesMax: answerBytesMax - 1 })
    await assert.rejects(smaller.recommend(1, PLACE), { code: 'ANSWER_TOO_LARGE' })
    for (const wrong of [0, -1, 1.5, Number.NaN])
      assert.throws(() => new NearrankClient({ url: server.url, answerBytesMax: wrong }), /answerBytesMax/)
  })
})

describe('retries', () => {
  test('503 with Retry-After, then 200', async () => {
    const server = await listen((response, _request, position) =>
      position < 2
        ? sendProblem(response, 503, 'BUSY', { 'retry-after': '0' })
        : sendJson(response, 200, { restaurants: [] }),
    )
    await new NearrankClient({ url: server.url }).recommend(1, PLACE)
    assert.equal(server.seen.length, 3)
    assert.equal(server.seen[2].body, server.seen[0].body)
  })

  test('waits for as long as the server asks', async () => {
    const server = await listen((response, _request, position) =>
      position === 0
        ? sendProblem(response, 503, 'BUSY', { 'retry-after': '1' })
        : sendJson(response, 200, { restaurants: [] }),
    )
    const start = performance.now()
    await new NearrankClient({ url: server.url }).recommend(1, PLACE)
    assert.ok(performance.now() - start >= 990, 'the second attempt came too early') // timers may be 1 ms early
  })

  test('no more than allowed; then the last error', async () => {
    const server = await listen((response) => sendProblem(response, 503, 'BUSY', { 'retry-after': '0' }))
    for (const retries of [0, 1, 3]) {
      server.seen.length = 0
      const call = new NearrankClient({ url: server.url, retries }).recommend(1, PLACE)
      await assert.rejects(call, { name: 'NearrankApiError', status: 503, code: 'BUSY', retryAfterMs: 0 })
      assert.equal(server.seen.length, retries + 1)
    }
  })

  test('not where the server says nothing of later, or wants to be left alone for long', async () => {
    for (const headers of [{}, { 'retry-after': '3600' }, { 'retry-after': 'soon' }]) {
      const server = await listen((response) => sendProblem(response, 503, 'BUSY', headers))
      await assert.rejects(new NearrankClient({ url: server.url }).recommend(1, PLACE), { status: 503 })
      assert.equal(server.seen.length, 1)
    }
  })

  test('not for errors that stay', async () => {
    for (const status of [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 504]) {
      const server = await listen((response) =>
        sendProblem(response, status, `C${status}`, { 'retry-after': '0' }),
      )
      const call = new NearrankClient({ url: server.url }).recommend(1, PLACE)
      await assert.rejects(call, {
        status,
        code: `C${status}`,
        title: `Title of C${status}`,
        detail: `Detail of C${status}.`,
      })
      assert.equal(server.seen.length, 1)
    }
  })

  test('connections cut before, in and after the head', async () => {
    const server = await listen((response, _request, position) => {
      if (position === 0) response.socket?.resetAndDestroy()
      else if (position === 1) response.socket?.end('HTTP/1.1 200 O')
      else if (position === 2) {
        response.writeHead(200, { 'content-length': 1000 })
        response.write('{"restaurants":[')
        setTimeout(() => response.socket?.destroy(), 20)
      } else sendJson(response, 200, { restaurants: [] })
    })
    await new NearrankClient({ url: server.url, retries: 3 }).recommend(1, PLACE)
    assert.equal(server.seen.length, 4)
  })

  for (const way of ['reload', 'rollback'] as const)
    test(`a ${way} whose connection was cut is not sent again, one that was turned away is`, async () => {
      const cutting = await listen((response) => response.socket?.destroy())
      await assert.rejects(new NearrankClient({ url: cutting.url })[way](), {
        code: 'UNREACHABLE',
        status: 0,
      })
      assert.equal(cutting.seen.length, 1)
      const busy = await listen((response) => sendProblem(response, 503, 'BUSY', { 'retry-after': '0' }))
      await assert.rejects(new NearrankClient({ url: busy.url })[way](), { code: 'BUSY' })
      assert.equal(busy.seen.length, 3)
    })
})

describe('no answer', () => {
  test('nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const call = new NearrankClient({ url, retries: 1 }).recommend(1, PLACE)
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof NearrankApiError)
      assert.equal(error.code, 'UNREACHABLE')
      assert.equal(error.status, 0)
      assert.match(error.message, /^Cannot recommend for user 1: .*ECONNREFUSED/)
      assert.ok(error.cause instanceof Error)
      return true
    })
  })

  test('something that speaks no HTTP', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.end('\u0000\u0001 220 mail ready\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    after(() => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await assert.rejects(new NearrankClient({ url, retries: 1 }).model(), { code: 'UNREACHABLE' })
    assert.equal(sockets.size, 2)
  })

  test('a head that never comes, and a body that never ends, are cut off at the timeout, once', async () => {
    for (const starts of [false, true]) {
      const server = await listen((response) => {
        if (!starts) return
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{"restaurants":[')
      })
      const call = new NearrankClient({ url: server.url, timeoutMs: 100 }).recommend(1, PLACE)
      await assert.rejects(call, { code: 'TIMEOUT', status: 0, message: /within 100 ms/ })
      assert.equal(server.seen.length, 1)
      await server.closed[0] // the connection is not kept
    }
  })
})

describe("the caller's signal", () => {
  const reason = new Error('the user left')

  test('ends a call under way with its reason, and the request with it', async () => {
    const controller = new AbortController()
    const server = await listen(() => controller.abort(reason))
    const client = new NearrankClient({ url: server.url, timeoutMs: FOREVER_MS })
    await assert.rejects(client.recommend(1, PLACE, { signal: controller.signal }), reason)
    await server.closed[0]
    assert.equal(server.seen.length, 1)
  })

  test('ends the wait before a retry', async () => {
    const controller = new AbortController()
    const server = await listen((response) => {
      sendProblem(response, 503, 'BUSY', { 'retry-after': '10' })
      setTimeout(() => controller.abort(reason), 50)
    })
    const client = new NearrankClient({ url: server.url, timeoutMs: FOREVER_MS })
    const start = performance.now()
    await assert.rejects(client.recommend(1, PLACE, { signal: controller.signal }), reason)
    assert.ok(performance.now() - start < 9_000)
    assert.equal(server.seen.length, 1)
  })

  test('that has fired already sends nothing', async () => {
    const server = await listen((response) => sendJson(response, 200, { restaurants: [] }))
    const signal = AbortSignal.abort(reason)
    const client = new NearrankClient({ url: server.url })
    const rows = [{ userId: 1, features: [1] }]
    await assert.rejects(client.recommend(1, PLACE, { signal }), reason)
    await assert.rejects(client.putUser(1, [1], { signal }), reason)
    await assert.rejects(client.putFeatures(rows, { signal }), reason)
    await assert.rejects(client.ready({ signal }), reason)
    await assert.rejects(client.model({ signal }), reason)
    assert.equal(server.seen.length, 0)
  })

  test('keeps no listener of calls that are over', async () => {
    const server = await listen((response) => sendJson(response, 200, { restaurants: [] }))
    const { signal } = new AbortController()
    let listeners = 0
    const watched = new Proxy(signal, {
      get(target, name) {
        if (name === 'addEventListener') listeners++
        if (name === 'removeEventListener') listeners--
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const client = new NearrankClient({ url: server.url })
    for (let i = 0; i < 5; i++) await client.recommend(i, PLACE, { signal: watched })
    assert.equal(listeners, 0)
  })
})

describe('answers that are none', () => {
  const wrongLists: [string, RegExp][] = [
    ['', /expected an object with restaurants, found undefined/],
    ['not json', /JSON/],
    ['{"restaurants":[', /JSON/],
    ['null', /found null/],
    ['[]', /a list of 0/],
    ['{}', /expected a list as restaurants, found undefined/],
    ['{"restaurants":{}}', /expected a list as restaurants/],
    ['{"restaurants":[1]}', /expected an object with id, found 1/],
    ['{"restaurants":[{"score":1,"displacement":1}]}', /integer or a string as id, found undefined/],
    ['{"restaurants":[{"id":1.5,"score":1,"displacement":1}]}', /found 1\.5/],
    ['{"restaurants":[{"id":1,"score":null,"displacement":1}]}', /finite number as score, found null/],
    ['{"restaurants":[{"id":1,"score":"0.5","displacement":1}]}', /finite number as score/],
    ['{"restaurants":[{"id":1,"score":1e999,"displacement":1}]}', /Infinity/],
    ['{"restaurants":[{"id":1,"score":1}]}', /finite number as displacement/],
    ['{"__proto__":{"restaurants":[]}}', /expected a list as restaurants/],
  ]
  for (const [text, message] of wrongLists)
    test(`recommend: ${text || 'nothing'}`, async () => {
      const server = await listen((response) => sendText(response, 200, text))
      const call = new NearrankClient({ url: server.url }).recommend(1, PLACE)
      await assert.rejects(call, { name: 'NearrankApiError', code: 'BAD_ANSWER', status: 200, message })
      assert.equal(server.seen.length, 1)
    })

  test('of every other method', async () => {
    const server = await listen((response) => sendJson(response, 200, { features: [1], user_id: 1 }))
    const client = new NearrankClient({ url: server.url })
    const calls = {
      putUser: () => client.putUser(1, [1]), // 200, not 204
      deleteUser: () => client.deleteUser(1),
      getRestaurant: () => client.getRestaurant(1),
      putFeatures: () => client.putFeatures([{ userId: 1, deleted: true }]),
      reload: () => client.reload(),
      model: () => client.model(),
      ready: () => client.ready(),
    }
    for (const [name, call] of Object.entries(calls)) await assert.rejects(call, { code: 'BAD_ANSWER' }, name)
  })

  test('errors that are no problem documents', async () => {
    const page = `<html>${'x'.repeat(1000)}</html>`
    const cases: [string, object][] = [
      ['', { code: 'HTTP_502', detail: '' }],
      ['bad gateway', { code: 'HTTP_502', detail: 'bad gateway' }],
      [page, { code: 'HTTP_502', detail: page.slice(0, 200) }],
      ['[1]', { code: 'HTTP_502', detail: '[1]' }],
      ['null', { code: 'HTTP_502', detail: 'null' }],
      ['{"code":7,"title":{}}', { code: 'HTTP_502', detail: '{"code":7,"title":{}}' }],
    ]
    for (const [text, fields] of cases) {
      const server = await listen((response) =>
        sendText(response, 502, text, { 'content-type': 'text/html' }),
      )
      const call = new NearrankClient({ url: server.url }).model()
      await assert.rejects(call, { name: 'NearrankApiError', status: 502, ...fields }, text)
    }
  })

  test('a redirection is not followed: a POST would become a GET, and the key go elsewhere', async () => {
    const other = await listen((response) => sendJson(response, 200, { restaurants: [] }))
    const server = await listen((response) => response.writeHead(301, { location: other.url }).end())
    const call = new NearrankClient({ url: server.url }).recommend(1, PLACE)
    await assert.rejects(call, { status: 301, code: 'REDIRECTED', message: new RegExp(other.url) })
    assert.equal(other.seen.length, 0)
  })
})

test('Retry-After is read as seconds or as a date', () => {
  const nowMs = Date.UTC(2026, 0, 1)
  const cases: [string | null, number | null][] = [
    [null, null],
    ['', null],
    [' ', null],
    ['soon', null],
    ['0', 0],
    [' 2 ', 2000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ]
  for (const [value, wanted] of cases) assert.equal(readRetryAfterMs(value, nowMs), wanted, String(value))
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
