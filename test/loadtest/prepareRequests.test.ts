import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NearrankError } from '../../src/errors.ts'
import { prepareRequests } from '../../src/loadtest/prepareRequests.ts'
import { parseTarget } from '../../src/loadtest/target.ts'
import { bodyOf, requestFor, serve } from './testServer.ts'
import { runLoadTest } from '../../src/loadtest/runLoadTest.ts'

const URL = 'http://127.0.0.1:8080'

function parts(bytes: Buffer): { head: string[]; body: string } {
  const [head, body] = bytes.toString().split('\r\n\r\n')
  return { head: head.split('\r\n'), body }
}

describe('prepareRequests', () => {
  test('the fields of the API, by their names', () => {
    const { head, body } = parts(prepareRequests(`${URL}/api/`, [{ ...requestFor(42), sortDist: true }])[0])
    assert.equal(head[0], 'POST /api/recommend/42 HTTP/1.1')
    assert.ok(head.includes('Host: 127.0.0.1:8080'))
    assert.ok(head.includes('Content-Type: application/json'))
    assert.ok(head.includes(`Content-Length: ${Buffer.byteLength(body)}`))
    assert.deepEqual(JSON.parse(body), {
      candidate_restaurant_ids: [1, 2, 3],
      latitude: 13.8,
      longitude: 100.5,
      size: 100,
      max_dist: 6000,
      sort_dist: true,
    })
  })

  test('ids keep all digits, texts are quoted and percent-encoded', () => {
    const candidateRestaurantIds = [9007199254740993n, 'c"afé', -5]
    const { head, body } = parts(
      prepareRequests(URL, [{ ...requestFor('a/b c?é'), candidateRestaurantIds }])[0],
    )
    assert.equal(head[0], 'POST /recommend/a%2Fb%20c%3F%C3%A9 HTTP/1.1')
    assert.ok(body.startsWith('{"candidate_restaurant_ids":["9007199254740993","c\\"afé",-5],'), body)
    assert.ok(head.includes(`Content-Length: ${Buffer.byteLength(body)}`))
    const large = parts(prepareRequests(URL, [requestFor(2n ** 63n - 1n)])[0])
    assert.match(large.head[0], /^POST \/recommend\/9223372036854775807 /)
    assert.match(parts(prepareRequests(URL, [requestFor('\ud800')])[0]).head[0], /%EF%BF%BD/)
    const injected = prepareRequests(URL, [requestFor('x HTTP/1.1\r\nX: y')])[0]
    assert.doesNotMatch(injected.toString(), /\r\nX: y/)
  })

  test('without candidates, and with a key', () => {
    const options = { hasCandidates: false, apiKey: 'secret-1' }
    const { head, body } = parts(prepareRequests(URL, [requestFor(1)], options)[0])
    assert.ok(head.includes('Authorization: Bearer secret-1'))
    assert.deepEqual(Object.keys(JSON.parse(body) as object), [
      'latitude',
      'longitude',
      'size',
      'max_dist',
      'sort_dist',
    ])
    for (const apiKey of ['', 'a b', 'a\r\nX: y', 'é'])
      assert.throws(() => prepareRequests(URL, [], { apiKey }), { code: 'USAGE' })
  })

  test('a real server reads what is sent', async (t) => {
    const seen = new Map<string, string>()
    const url = await serve(t, async (request, response) => {
      seen.set(request.url ?? '', await bodyOf(request))
      response.end('{}')
    })
    const requests = [requestFor('ä/%'), { ...requestFor(7), candidateRestaurantIds: ['ü', 2n ** 60n] }]
    const result = await runLoadTest({
      url: `${url}/x`,
      requests: prepareRequests(`${url}/x`, requests),
      rate: 100,
      durationMs: 100,
      warmupMs: 0,
    })
    assert.equal(result.ok, 10)
    assert.deepEqual([...seen.keys()].toSorted(), ['/x/recommend/%C3%A4%2F%25', '/x/recommend/7'])
    assert.match(seen.get('/x/recommend/7') ?? '', /\["ü","1152921504606846976"\]/)
  })
})

describe('parseTarget', () => {
  test('hosts, ports, paths', () => {
    const { host, port, hostHeader, basePath, servername } = parseTarget('http://[::1]:81/a/b/')
    assert.deepEqual([host, port, hostHeader, basePath, servername], ['::1', 81, '[::1]:81', '/a/b', ''])
    const tls = parseTarget('https://example.org')
    assert.deepEqual([tls.isTls, tls.port, tls.basePath, tls.servername], [true, 443, '', 'example.org'])
    assert.equal(parseTarget('http://localhost').port, 80)
  })

  test('what is no plain URL is refused, and a password is not repeated', () => {
    for (const url of [
      '',
      'localhost:8080',
      '127.0.0.1',
      'ftp://x',
      'http://',
      'http://a/?q=1',
      'http://a/#b',
    ])
      assert.throws(() => parseTarget(url), { code: 'USAGE' }, url)
    assert.throws(
      () => parseTarget('http://me:hidden@a/'),
      (error: unknown) => error instanceof NearrankError && !error.message.includes('hidden'),
    )
  })
})
