import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { SiteGuard } from '../../../../src/server/threads/admission/siteGuard.ts'

type Headers = Record<string, string>

function codeOf(guard: SiteGuard, headers: Headers, method = 'POST', ranks = false): string | undefined {
  return guard.refusal({ method, headers } as unknown as IncomingMessage, ranks)?.code
}

test('changes for pages of other sites are refused, and nothing else is', () => {
  const guard = new SiteGuard('0.0.0.0', [])
  const host = 'places.example:8080'
  for (const headers of [
    { host, 'sec-fetch-site': 'cross-site' },
    { host, 'sec-fetch-site': 'same-site' },
    { host, origin: 'http://evil.example' },
    { host, origin: 'http://places.example' }, // of another port
    { host, origin: 'null' }, // a sandboxed frame, a file
    { host, origin: 'http://evil.example', 'x-forwarded-host': 'places.example' },
  ]) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      assert.equal(codeOf(guard, headers, method), 'CROSS_SITE', `${method} ${JSON.stringify(headers)}`)
    for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.equal(codeOf(guard, headers, method), undefined)
    assert.equal(codeOf(guard, headers, 'POST', true), undefined, 'a ranking')
  }
  for (const headers of [
    { host },
    { host, origin: 'http://Places.example:8080' },
    { host, 'sec-fetch-site': 'same-origin', origin: 'http://places.example:8080' },
    { host, 'sec-fetch-site': 'none' }, // typed by the user
    { host: 'backend:80', origin: 'https://places.example', 'x-forwarded-host': 'places.example' },
  ] as Headers[])
    assert.equal(codeOf(guard, headers), undefined, JSON.stringify(headers))
})

test('changes for pages of an allowed origin are let in, by its exact name alone', () => {
  const guard = new SiteGuard('127.0.0.1', [], ['https://shop.example'])
  const host = 'localhost'
  const site = { 'sec-fetch-site': 'cross-site' }
  assert.equal(codeOf(guard, { host, ...site, origin: 'https://shop.example' }), undefined)
  for (const origin of ['http://shop.example', 'https://shop.example:8443', 'https://a.shop.example', 'null'])
    assert.equal(codeOf(guard, { host, ...site, origin }), 'CROSS_SITE', origin)
  assert.equal(codeOf(guard, { host, ...site }), 'CROSS_SITE')
  const elsewhere = { host: 'evil.example', origin: 'https://shop.example' }
  assert.equal(codeOf(guard, elsewhere), 'UNKNOWN_HOST', 'the name of the server is another matter')
})

test('on loopback, only names of this machine and those that are allowed lead to the server', () => {
  const guard = new SiteGuard('127.0.0.1', ['Places.example'])
  for (const host of [
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
  ])
    for (const method of ['GET', 'POST'])
      assert.equal(codeOf(guard, { host }, method, method === 'POST'), 'UNKNOWN_HOST', host)
  for (const host of [
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1:8080',
    '127.1.2.3',
    '[::1]:8080',
    'a.localhost',
    'places.example',
    'PLACES.example:443',
  ])
    assert.equal(codeOf(guard, { host }), undefined, host)
  assert.equal(codeOf(guard, {}), undefined, 'no browser leaves it out')
  assert.equal(codeOf(new SiteGuard('::', []), { host: 'evil.example' }), undefined)
})
