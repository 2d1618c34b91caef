import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../src/random.ts'
import { RawConnection, requestBytes } from '../test/server/rawConnection.ts'
import { CENTRE, openConnections, rankedList } from '../test/server/serverFixture.ts'
import { footprintOf, startHouse, stopHouse } from './house.ts'
import { counted, trust } from './trust.ts'

const WISH = { ...CENTRE, max_dist: 1e6, size: 3 }
const RANKING = requestBytes('POST /recommend/1', JSON.stringify(WISH))
const GROWTH_MIB_MAX = 150
const LOOK_EVERY = 100

/** Heads that break the protocol in ways by which servers and proxies were fooled before. */
const HIDDEN = 'DELETE /users/1 HTTP/1.1\r\nhost: localhost\r\n\r\n' // if it were carried out, user 1 would be gone
const HEADS = [
  `POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${5 + HIDDEN.length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  `POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\ncontent-length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  `POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1;${HIDDEN}a\r\n0\r\n\r\n`,
  `POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding:\x0bchunked\r\ncontent-length: 0\r\n\r\n${HIDDEN}`,
  `GET /health/live HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: +3\r\n\r\nabc',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999\r\n\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n',
  'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1;x\n\na\r\n',
  'GET /health/live HTTP/1.1\nhost: localhost\n\n',
  'GET /health/live HTTP/1.1\r\nhost: localhost\r\n folded: yes\r\n\r\n',
  'GET  /health/live  HTTP/1.1\r\nhost: localhost\r\n\r\n',
  'GET /health/live HTTP/1.1\r\nhost: localhost\r\nbad\x00name: x\r\n\r\n',
  'GET /health/live HTTP/2.0\r\nhost: localhost\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n',
  'GET /health/live HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  `GET /health/live HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(5000)}\r\n`,
  `GET /health/live HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
  `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
]

trust(
  'No abuse of the protocol gets a 5xx, smuggles a request in or disturbs others',
  { small: 2_000, night: 100_000 },
  async ({ random, amount }) => {
    const server = await startHouse()
    const [honest] = await openConnections(server.port, 1)
    const expected = await rankedList(honest, 1, WISH)
    const before = footprintOf(server)
    let answers = 0
    for (let i = 0; i < amount; i++) {
      const { bytes, answersMax } = abuse(random)
      const text = await answerTo(server.port, bytes, random)
      const statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status))
      const shown = JSON.stringify(bytes.toString('latin1').slice(0, 300))
      assert.ok(
        statuses.every((status) => status < 500),
        `${statuses.join()} for ${shown}`,
      )
      assert.ok(statuses.length <= answersMax, `${statuses.length} answers to ${shown}`)
      answers += statuses.length
      if (i % LOOK_EVERY === 0)
        assert.deepEqual(await rankedList(honest, 1, WISH), expected, `after ${shown}`)
    }
    assert.deepEqual(await rankedList(honest, 1, WISH), expected)
    const grown = footprintOf(server).residentMiB - before.residentMiB
    assert.ok(grown < GROWTH_MIB_MAX, `${grown} MiB more`)
    await stopHouse(server)
    return `${counted(amount)} connections with broken heads, lengths that contradict each other, cut chunks, random bytes, resets and half-closes: ${counted(answers)} answers, none a 5xx, never more than there were requests, and no hidden DELETE was carried out; another client got the same list throughout`
  },
)

/** Bytes, and how many requests a strict reader can find in them at most. */
function abuse(random: Random): { bytes: Buffer; answersMax: number } {
  const kind = random.below(5)
  const head = Buffer.from(HEADS[random.below(HEADS.length)], 'latin1')
  if (kind === 0) return { bytes: head, answersMax: 1 }
  if (kind === 1) return { bytes: Buffer.concat([RANKING, head]), answersMax: 2 }
  const bytes = kind === 2 ? Buffer.alloc(1 + random.below(500)) : Buffer.from(RANKING)
  const changes = kind === 2 ? bytes.length : 1 + random.below(4)
  for (let k = 0; k < changes; k++) bytes[random.below(bytes.length)] = random.below(256)
  // A changed length may leave a rest of the body, which is no request.
  return { bytes: kind === 3 ? bytes.subarray(0, random.below(bytes.length)) : bytes, answersMax: 2 }
}

/** Sends in one piece or two, then half-closes, resets, or waits a moment; whatever came back. */
async function answerTo(port: number, bytes: Buffer, random: Random): Promise<string> {
  const connection = await RawConnection.open(port)
  let text = ''
  connection.socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
  const cut = random.below(bytes.length + 1)
  connection.write(bytes.subarray(0, cut))
  if (random.below(4) === 0) await sleep(1)
  connection.write(bytes.subarray(cut))
  const end = random.below(3)
  if (end === 0) connection.socket.end()
  else if (end === 1) {
    await sleep(random.below(5))
    connection.socket.resetAndDestroy()
  } else {
    await Promise.race([connection.closed, sleep(20)])
    connection.close()
  }
  await connection.closed
  return text
}
