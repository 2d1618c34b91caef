import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { createServer, type ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { runLoadTest } from '../../src/loadtest/runLoadTest.ts'
import type { LoadProgress, LoadTestOptions, LoadTestResult } from '../../src/loadtest/types.ts'
import { listenAndClose, prepared, serve, serveRaw } from './testServer.ts'

/** A short run without a warm-up. The server sees one request more: the one that asks whether anybody is there. */
function run(url: string, options: Partial<LoadTestOptions> = {}): Promise<LoadTestResult> {
  return runLoadTest({ url, requests: prepared(url), rate: 100, durationMs: 300, warmupMs: 0, ...options })
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'

function count(result: LoadTestResult, kind: string): number {
  return result.errors.find((error) => error.kind === kind)?.count ?? 0
}

describe('runLoadTest', () => {
  test('rate × duration requests are counted, the warm-up is not, requests come in order and around again', async (t) => {
    const paths: string[] = []
    const url = await serve(t, (request, response) => {
      paths.push(request.url ?? '')
      response.end('{}')
    })
    const result = await run(url, { rate: 200, durationMs: 500, warmupMs: 250, limits: { p99Ms: 60_000 } })
    assert.equal(result.ok, 100)
    assert.equal(result.failed, 0)
    assert.equal(result.rate, 200)
    assert.equal(result.durationSeconds, 0.5)
    assert.equal(paths.length, 1 + 50 + 100)
    assert.deepEqual(
      paths.slice(1, 21).toSorted(),
      Array.from({ length: 20 }, (_, i) => `/recommend/${i % 7}`).toSorted(),
    )
    assert.deepEqual(
      result.limits.map(({ name }) => name),
      ['p99', 'errors', 'rate'],
    )
    const { p50, p90, p95, p99, p999, max } = result.latencyMs
    const ascending = [0, p50, p90, p95, p99, p999, max].map((ms) => ms ?? Number.NaN)
    for (let i = 1; i < ascending.length; i++) assert.ok(ascending[i] >= ascending[i - 1])
  })

  test('what a page draws over time is kept if it is wanted, and not at all otherwise', async (t) => {
    const url = await serve(t, (_, response) => response.end('{}'))
    const [plain, kept] = [await run(url), await run(url, { keepTimeline: true })]
    assert.deepEqual([plain.ok, plain.timeline, plain.distribution], [30, [], []])
    const total = (counts: number[]) => counts.reduce((sum, one) => sum + one, 0)
    assert.equal(total(kept.timeline.map(({ ok }) => ok)), 30)
    assert.equal(total(kept.distribution.map(({ count: own }) => own)), 30)
  })

  test('requests leave when they are due, however slow the answers: none waits for another', async (t) => {
    let inFlight = 0
    let most = 0
    const url = await serve(t, (_, response) => {
      most = Math.max(most, ++inFlight)
      setTimeout(() => {
        inFlight--
        response.end('{}')
      }, 400)
    })
    const result = await run(url, { rate: 400, durationMs: 300 })
    assert.equal(result.ok, 120)
    // A closed loop over the 64 connections of the start would never have more than those under way.
    assert.ok(most > 80, `${most} at a time`)
    assert.ok((result.latencyMs.p50 ?? 0) >= 399)
  })

  test('a stall of the server is in the latency of all that were due meanwhile (no coordinated omission)', async (t) => {
    let first = Number.NaN
    const held: ServerResponse[] = []
    const url = await serve(t, (_, response) => {
      const sinceMs = performance.now() - first
      if (sinceMs >= 300 && sinceMs < 800) held.push(response)
      else response.end('{}')
    })
    // One connection: a closed loop would send one request into the stall, and report one slow answer.
    const options = { rate: 200, durationMs: 1500, connections: 1, requests: prepared(url) }
    const release = setInterval(() => {
      if (performance.now() - first >= 800) for (const response of held.splice(0)) response.end('{}')
    }, 1)
    t.after(() => clearInterval(release))
    const result = await run(url, {
      ...options,
      onProgress: ({ ok }) => {
        if (ok > 0 && Number.isNaN(first)) first = performance.now()
      },
    })
    assert.equal(result.ok, 300)
    // 100 requests were due in the 500 ms: a third of all. Half of those waited 250 ms and more.
    assert.ok((result.latencyMs.max ?? 0) > 450, `max ${result.latencyMs.max}`)
    assert.ok((result.latencyMs.p90 ?? 0) > 250, `P90 ${result.latencyMs.p90}`)
    assert.ok((result.sendDelayMs.max ?? 0) > 400, 'they waited for the connection')
  })

  test('only as many connections as allowed; what waits is sent later, and the rate is missed where too much waits', async (t) => {
    let connections = 0
    const url = await serve(t, (_, response) => void setTimeout(() => response.end('{}'), 100))
    const result = await run(url, {
      rate: 200,
      durationMs: 500,
      connections: 4,
      onProgress: ({ inFlight }: LoadProgress) => (connections = Math.max(connections, inFlight)),
    })
    assert.equal(result.ok, 100)
    assert.ok(connections <= 4)
    // 4 connections of 10 answers a second.
    assert.ok(result.achievedRate < 100, `${result.achievedRate}`)
    assert.equal(result.limits.find(({ name }) => name === 'rate')?.met, false)
    assert.ok((result.latencyMs.max ?? 0) > 1500)
  })

  test('keep-alive is used, and a closed connection replaced', async (t) => {
    for (const closes of [false, true]) {
      const ports = new Set<number>()
      let requests = 0
      const url = await serve(t, (request, response) => {
        ports.add(request.socket.remotePort ?? 0)
        requests++
        if (closes) response.setHeader('Connection', 'close')
        response.end('{}')
      })
      const { ok, errors } = await run(url, { rate: 500 })
      assert.equal(ok, 150, JSON.stringify(errors))
      assert.equal(requests, 151)
      // Ports may come around again; 64 connections are opened at the start, one asks first.
      if (closes) assert.ok(ports.size > 100, `${ports.size} connections`)
      else assert.ok(ports.size <= 100, `${ports.size} connections`)
    }
  })

  test('idle connections are given up before the server closes them', async (t) => {
    let closed = 0
    const url = await serveRaw(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n')
      socket.once('close', () => closed++)
    })
    const { ok, errors } = await run(url, { connections: 2 })
    assert.equal(ok, 30, JSON.stringify(errors))
    assert.ok(closed >= 28, 'a timeout of 1 s leaves no margin: each connection is used once')
  })

  test('statuses other than 2xx have failed, by kind, and are not in the latency', async (t) => {
    let number = 0
    const url = await serve(t, (_, response) => {
      const i = number++ - 1
      response.statusCode = i < 0 ? 200 : i % 3 === 0 ? 503 : i % 10 === 1 ? 404 : i % 10 === 2 ? 302 : 201
      response.end('{}')
    })
    const result = await run(url)
    assert.equal(result.ok + result.failed, 30)
    const numbers = Array.from({ length: 30 }, (_, i) => i)
    const wanted = (isWanted: (i: number) => boolean) => numbers.filter(isWanted).length
    assert.equal(count(result, 'status 503'), 10)
    assert.equal(
      count(result, 'status 404'),
      wanted((i) => i % 3 !== 0 && i % 10 === 1),
    )
    assert.equal(
      count(result, 'status 302'),
      wanted((i) => i % 3 !== 0 && i % 10 === 2),
    )
    assert.equal(result.errors[0].kind, 'status 503')
    const errors = result.limits.find(({ name }) => name === 'errors')
    assert.deepEqual(errors, { name: 'errors', limit: 0, measured: result.failed / 30, met: false })
  })

  test('what is never answered is a timeout, and the run ends', async (t) => {
    let number = 0
    const url = await serve(t, (_, response) => {
      if (number++ % 2 === 0) response.end('{}')
    })
    const result = await run(url, { timeoutMs: 400 })
    assert.equal(result.ok + result.failed, 30)
    assert.equal(count(result, 'timeout'), 15)
  })

  test('what waits for a connection until its timeout has failed without being sent', async (t) => {
    let number = 0
    const url = await serve(t, (_, response) => {
      if (number++ === 0) response.end('{}')
    })
    const result = await run(url, { timeoutMs: 300, connections: 1 })
    assert.equal(result.failed, 30)
    assert.ok(count(result, 'timeout') >= 1)
    assert.ok(count(result, 'timeout before a connection was free') >= 1)
    assert.ok(result.achievedRate < 50)
    assert.deepEqual(result.latencyMs, { p50: null, p90: null, p95: null, p99: null, p999: null, max: null })
  })

  test('broken answers and cut connections are counted, each for its own request', async (t) => {
    let number = 0
    const url = await serveRaw(t, (socket) => {
      const kind = number++ % 5
      if (kind === 0) socket.write(OK)
      else if (kind === 1) socket.write('garbage\r\n\r\n')
      else if (kind === 2) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort')
      else if (kind === 3) socket.resetAndDestroy()
      else socket.end()
    })
    const result = await run(url, { rate: 100, durationMs: 500 })
    assert.equal(result.ok + result.failed, 50)
    assert.deepEqual(Object.fromEntries(result.errors.map(({ kind, count: times }) => [kind, times])), {
      'invalid response: no HTTP/1 status line': 10,
      'closed within the response': 10,
      'closed before the response': 10,
      ECONNRESET: 10,
    })
  })

  test('a server that goes away in mid-test: the rest fails at once, and not by timeouts', async (t) => {
    let number = 0
    const server = createServer((_, response) => {
      response.end('{}')
      if (++number === 11) {
        server.close()
        setImmediate(() => server.closeAllConnections())
      }
    })
    const url = await listenAndClose(t, server)
    const result = await run(url, { timeoutMs: 60_000 })
    assert.equal(result.ok + result.failed, 30)
    assert.ok(result.ok >= 9 && result.ok <= 12, `${result.ok}`)
    const atOnce = count(result, 'ECONNREFUSED') + count(result, 'ECONNRESET')
    assert.ok(atOnce >= 15, JSON.stringify(result.errors))
  })

  test('an answer in many pieces, to many at a time', async (t) => {
    const body = JSON.stringify({
      restaurants: Array.from({ length: 3000 }, (_, id) => ({ id, score: 0.5 })),
    })
    const url = await serve(t, (_, response) => {
      for (let i = 0; i < body.length; i += 20_000) response.write(body.slice(i, i + 20_000))
      response.end()
    })
    const { ok, errors } = await run(url, { rate: 300 })
    assert.equal(ok, 90, JSON.stringify(errors))
  })

  test('https, with a certificate that is trusted and one that is not', async (t) => {
    const read = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')
    const cert = read('localhost.pem')
    const server = createTlsServer({ key: read('localhostKey.pem'), cert }, (request, response) => {
      request.resume().on('end', () => response.end('{}'))
    })
    const url = (await listenAndClose(t, server)).replace('http:', 'https:')
    await assert.rejects(run(url), { code: 'UNAVAILABLE', message: /SELF_SIGNED/ })
    const before = getCACertificates('default')
    t.after(() => setDefaultCACertificates(before))
    setDefaultCACertificates([cert])
    for (const address of [url, url.replace('127.0.0.1', 'localhost')]) {
      const { ok, errors } = await run(address, { requests: prepared(address) })
      assert.equal(ok, 30, JSON.stringify(errors))
    }
  })

  test('an abort returns what was counted so far', async (t) => {
    const url = await serve(t, (_, response) => void response.end('{}'))
    const abort = new AbortController()
    const result = await run(url, {
      durationMs: 600_000,
      signal: abort.signal,
      onProgress: ({ ok }) => ok >= 20 && abort.abort(),
    })
    assert.equal(result.isInterrupted, true)
    assert.ok(result.ok >= 20 && result.ok < 1000, `${result.ok}`)
    assert.ok(result.durationSeconds < 100)
    assert.equal(result.failed, 0)
    const aborted = await run(url, { signal: AbortSignal.abort() })
    assert.deepEqual([aborted.isInterrupted, aborted.ok, aborted.failed], [true, 0, 0])
  })

  test('progress goes through its stages', async (t) => {
    const url = await serve(t, (_, response) => void setTimeout(() => response.end('{}'), 300))
    const stages = new Set<string>()
    await run(url, { warmupMs: 400, durationMs: 400, onProgress: ({ stage }) => stages.add(stage) })
    assert.deepEqual([...stages], ['warm up', 'measure', 'last answers'])
  })

  test('nobody there, a server that refuses all, one that never answers, one that speaks another language', async (t) => {
    await assert.rejects(run('http://127.0.0.1:1'), { code: 'UNAVAILABLE', message: /ECONNREFUSED; start/ })
    for (const [status, advice] of [
      [401, /401; give an API key/],
      [404, /404; is it a Nearrank server/],
      [503, /503; it is not ready/],
      [418, /418$/],
    ] as const) {
      let asked = 0
      const url = await serve(t, (_, response) => {
        asked++
        response.writeHead(status).end('{}')
      })
      await assert.rejects(run(url), { code: 'INPUT', message: advice })
      assert.equal(asked, 10)
    }
    const silent = await serve(t, () => {})
    await assert.rejects(run(silent, { timeoutMs: 100 }), { code: 'UNAVAILABLE', message: /in 100 ms/ })
    const other = await serveRaw(t, (socket) => void socket.write('220 smtp ready\r\n'))
    await assert.rejects(run(other), {
      code: 'INPUT',
      message: /no HTTP\/1 status line; is it an HTTP server/,
    })
  })

  test('one unknown user at the start does not end the test', async (t) => {
    const url = await serve(t, (request, response) => {
      response.statusCode = request.url === '/recommend/0' ? 404 : 200
      response.end('{}')
    })
    const result = await run(url, { rate: 70, durationMs: 100 })
    assert.deepEqual([result.ok, result.failed], [6, 1])
  })

  test('wrong options are refused before anything is sent', async () => {
    const url = 'http://127.0.0.1:1'
    const wrong: Partial<LoadTestOptions>[] = [
      ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9].map((rate) => ({ rate })),
      ...[0, -1, Number.NaN, 1e12].map((durationMs) => ({ durationMs })),
      ...[-1, Number.NaN].map((warmupMs) => ({ warmupMs })),
      ...[0, Number.NaN, 1e9].map((timeoutMs) => ({ timeoutMs })),
      ...[0, 1.5, Number.NaN, 1e6].map((connections) => ({ connections })),
      ...[-1, Number.NaN].map((p95Ms) => ({ limits: { p95Ms } })),
      { limits: { errorShare: 2 } },
      { url: 'nonsense' },
      { rate: 1, durationMs: 100 },
    ]
    for (const options of wrong)
      await assert.rejects(run(url, options), { code: 'USAGE' }, JSON.stringify(options))
    await assert.rejects(run(url, { requests: [] }), { code: 'INPUT' })
  })
})
