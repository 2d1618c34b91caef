import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ResponseReader } from '../../src/loadtest/responseReader.ts'

const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nyo'
const CHUNKED =
  'HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\nRetry-After: 1\r\n\r\n' +
  '5;why="not"\r\nhel\r\n\r\nA\r\n0123456789\r\n0\r\nDate: now\r\nEtag: x\r\n\r\n'
const INTERIM = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${LENGTH}`
const EMPTY = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'
const CLOSED = 'HTTP/1.0 200 OK\r\n\r\nuntil the end'

/** Feeds the pieces; the state after each. */
function states(pieces: Buffer[], reader = new ResponseReader()): string[] {
  reader.reset()
  return pieces.map((piece) => reader.read(piece))
}

function cut(bytes: Buffer, cuts: number[]): Buffer[] {
  const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

describe('ResponseReader', () => {
  const whole: [name: string, text: string, status: number, keepsAlive: boolean][] = [
    ['content-length', LENGTH, 200, true],
    ['chunked with extensions and trailers', CHUNKED, 503, true],
    ['two interim responses before', INTERIM, 200, true],
    ['204', EMPTY, 204, false],
    ['HTTP/1.0 keep-alive', `HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n${LENGTH.slice(17)}`, 200, true],
    ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${LENGTH.slice(17)}`, 200, false],
    ['an empty body', 'HTTP/1.1 200 OK\r\nCONTENT-LENGTH:0\r\n\r\n', 200, true],
    ['close among others', `HTTP/1.1 200\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n`, 200, false],
  ]
  for (const [name, text, status, keepsAlive] of whole)
    test(`${name}: whole, cut at every place, byte by byte, cut at random`, () => {
      const bytes = Buffer.from(text)
      const check = (pieces: Buffer[]) => {
        const reader = new ResponseReader()
        const wanted = [...pieces.slice(0, -1).map(() => 'more'), 'done']
        assert.deepEqual(states(pieces, reader), wanted, reader.problem)
        assert.equal(reader.head?.status, status)
        assert.equal(reader.head?.keepsAlive, keepsAlive)
        // The reader is used again for the next response.
        assert.deepEqual(states([bytes], reader), ['done'])
      }
      check([bytes])
      for (let at = 1; at < bytes.length; at++) check([bytes.subarray(0, at), bytes.subarray(at)])
      check(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))
      const places = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 })
      fc.assert(fc.property(places, (cuts) => check(cut(bytes, cuts))))
    })

  test('any chunks of any bytes end where they should', () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 6 })
    fc.assert(
      fc.property(chunks, fc.array(fc.nat(), { maxLength: 6 }), (parts, seeds) => {
        const body = parts.flatMap((part) => [
          Buffer.from(`${part.length.toString(16)}\r\n`),
          Buffer.from(part),
          Buffer.from('\r\n'),
        ])
        const head = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n')
        const bytes = Buffer.concat([head, ...body, Buffer.from('0\r\n\r\n')])
        const cuts = [...new Set(seeds.map((seed) => 1 + (seed % (bytes.length - 1))))]
        const found = states(cut(bytes, cuts))
        assert.equal(found.pop(), 'done')
        assert.ok(found.every((state) => state === 'more'))
      }),
    )
  })

  test('a body without a length ends with the connection', () => {
    const reader = new ResponseReader()
    assert.deepEqual(states([Buffer.from(CLOSED), Buffer.from('more')], reader), ['more', 'more'])
    assert.equal(reader.end(), 'done')
    assert.equal(reader.head?.keepsAlive, false)
  })

  test('an early end is told, before and within the response', () => {
    const reader = new ResponseReader()
    assert.equal(reader.end(), 'broken')
    assert.equal(reader.problem, 'closed before the response')
    for (const text of [LENGTH, CHUNKED])
      for (let at = 1; at < text.length; at++) {
        assert.deepEqual(states([Buffer.from(text.slice(0, at))], reader), ['more'])
        assert.equal(reader.end(), 'broken')
        assert.equal(reader.problem, 'closed within the response')
      }
  })

  const head = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`
  const chunkedHead = head('Transfer-Encoding: chunked')
  const garbage: [text: string, problem: RegExp][] = [
    ['garbage', /no HTTP\/1 status line/],
    ['HTTP/2 200 OK\r\n\r\n', /status line/],
    ['HTTP/1.2 200 OK\r\n\r\n', /status line/],
    ['HTTP/1.1 2000 OK\r\n\r\n', /status line/],
    ['HTTP/1.1 999 OK\r\n\r\n', /status line/],
    ['HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n', /without a name/],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n', /without a name/],
    ['HTTP/1.1 200 OK\r\n: no name\r\n\r\n', /without a name/],
    ['HTTP/1.1 101 Switching\r\n\r\n', /another protocol/],
    [head('Content-Length: x'), /content-length/],
    [head('Content-Length: -1'), /content-length/],
    [head('Content-Length: 1\r\nContent-Length: 2'), /content-length/],
    [head('Content-Length: 999999999999'), /over 256 MiB/],
    [head('Transfer-Encoding: gzip, chunked'), /transfer-encoding/],
    [`${LENGTH}!`, /bytes behind its end/],
    [`${chunkedHead}x`, /no chunk/],
    [`${chunkedHead}\r\n`, /no chunk/],
    [`${chunkedHead}5\n`, /no chunk/],
    [`${chunkedHead}5\r\nhello!`, /no chunk/],
    [`${chunkedHead}1\r\nxy\r\n`, /no chunk/],
    [`${chunkedHead}fffffffff\r\n`, /no chunk/],
    [`${chunkedHead}ffffffff\r\n`, /no chunk/],
    [`${chunkedHead}1;${'x'.repeat(2000)}`, /no chunk/],
    [`${chunkedHead}0\r\n${'x'.repeat(70_000)}`, /no chunk/],
    [`${chunkedHead}0\r\n\r\n!`, /bytes behind its end/],
  ]
  test('what is no response is refused', () => {
    for (const [text, problem] of garbage) {
      const reader = new ResponseReader()
      const found = states([Buffer.from(text)], reader)
      assert.deepEqual(found, ['broken'], text.slice(0, 80))
      assert.match(reader.problem, problem)
      assert.match(reader.problem, /^invalid response: /)
    }
  })

  test('heads have a limit: in one piece, in many, in endless interim ones', () => {
    const reader = new ResponseReader()
    const line = Buffer.from(`x-long: ${'y'.repeat(1000)}\r\n`)
    const start = Buffer.from('HTTP/1.1 200 OK\r\n')
    assert.deepEqual(states([Buffer.concat([start, ...Array<Buffer>(70).fill(line)])], reader), ['broken'])
    assert.equal(reader.problem, 'invalid response: a head over 64 KiB')
    const found = states([start, ...Array<Buffer>(70).fill(line)], reader)
    assert.equal(found.indexOf('broken'), 65) // 17 + 65 × 1010 bytes are the first over 65,536
    reader.reset()
    const interim = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n')
    let count = 0
    while (reader.read(interim) === 'more') count++
    assert.equal(count, Math.floor((64 * 1024) / interim.length))
    const nearly = Buffer.concat([
      start,
      ...Array<Buffer>(64).fill(line),
      Buffer.from('Content-Length: 0\r\n\r\n'),
    ])
    assert.deepEqual(states([nearly], reader), ['done'])
  })

  test('random bytes never throw, and never pass for a response', () => {
    const text = fc.array(
      fc.constantFrom(
        'HTTP/1.1 200 OK',
        '\r\n',
        '\n',
        'Content-Length: 5',
        'a: b',
        '\0',
        'Transfer-Encoding: chunked',
        '5',
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(text, (parts) => {
        const joined = parts.join('')
        const [state] = states([Buffer.from(joined)])
        assert.ok(['more', 'done', 'broken'].includes(state))
        if (state === 'done') assert.ok(joined.startsWith('HTTP/1.1 200 OK\r\n'))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8 }), (bytes) => {
        assert.deepEqual(states([Buffer.from(bytes)]), ['broken'])
      }),
    )
  })

  test('keep-alive timeouts are understood', () => {
    const reader = new ResponseReader()
    states([Buffer.from(head('Keep-Alive: timeout=5, max=100\r\nContent-Length: 0'))], reader)
    assert.equal(reader.head?.keepAliveMs, 5000)
    states([Buffer.from(head('Content-Length: 0'))], reader)
    assert.equal(reader.head?.keepAliveMs, Number.POSITIVE_INFINITY)
  })
})
