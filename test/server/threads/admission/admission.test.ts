import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { LastProblems } from '../../../../src/server/problems/lastProblems.ts'
import { ApiKeys } from '../../../../src/server/keys/apiKeys.ts'
import { Problem } from '../../../../src/server/problems/problems.ts'
import {
  Admission,
  type AdmittingRoute,
  type Visit,
} from '../../../../src/server/threads/admission/admission.ts'
import { RawConnection } from '../../rawConnection.ts'
import { eventually } from '../../../store/redisRowsOfServer.ts'
import { assertProblemAnswer } from '../../serverFixture.ts'
import { roomFor } from './roomFor.ts'

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex')
const NO_KEY = new Problem('UNAUTHENTICATED', 'Cannot: no key')
const NO_RIGHT = new Problem('FORBIDDEN', 'Cannot: no right')
const FULL = new Problem('OVERLOADED', 'Cannot: full')

let isFull = false
let isDraining = false
let entered = 0
const held = roomFor(1000)
const admission = new Admission({
  isDraining: () => isDraining,
  held,
  problems: new LastProblems(),
  apiKeys: new ApiKeys([
    { name: 'reader', sha256: sha256('r'), rights: ['read'] },
    { name: 'writer', sha256: sha256('w'), rights: ['write'] },
  ]),
})
const route: AdmittingRoute<Visit> = {
  bodyBytesMax: 100,
  skippedBytesMax: 10,
  keyRefusal: ({ response }, keys) =>
    ({ granted: undefined, unauthenticated: NO_KEY, forbidden: NO_RIGHT })[
      keys.check(response.req.headers, 'read')
    ],
  enter: () => {
    entered++
    return isFull ? FULL : undefined
  },
  take: ({ response }, body) => void response.end(body),
  refuse: (visit, problem, closes) => admission.refuse(visit, problem, closes),
}

const server = createServer((_request, response) => admission.admit({ response }, route))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => server.close())

async function post(key: string | undefined, body: string) {
  const connection = await RawConnection.open((server.address() as AddressInfo).port)
  const before = entered
  const answer = await connection.send('POST /strict', body, key === undefined ? {} : { 'x-api-key': key })
  connection.close()
  return { answer, closes: answer.headers.connection === 'close', entered: entered - before }
}

test('the whole body reaches the route of a request that is let in', async () => {
  const { answer, closes } = await post('r', 'x'.repeat(100))
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'x'.repeat(100))
  assert.equal(closes, false)
})

test('the key is checked first, and takes no room', async () => {
  isFull = true
  for (const [key, code] of [
    [undefined, 'UNAUTHENTICATED'],
    ['x', 'UNAUTHENTICATED'],
    ['w', 'FORBIDDEN'],
  ] as const) {
    const { answer, entered: times } = await post(key, 'x')
    assertProblemAnswer(answer, code)
    assert.equal(times, 0)
  }
  isFull = false
})

test('a refused request keeps its connection if its body is small', async () => {
  isFull = true
  for (const [bytes, expected] of [
    [1, false],
    [10, false],
    [11, true],
    [1000, true],
  ] as const) {
    const { answer, closes } = await post('r', 'x'.repeat(bytes))
    assertProblemAnswer(answer, 'OVERLOADED')
    assert.equal(closes, expected, `${bytes} bytes`)
  }
  isFull = false
})

test('a body that is too large is refused after the room, and ends the connection', async () => {
  const { answer, closes, entered: times } = await post('r', 'x'.repeat(101))
  assertProblemAnswer(answer, 'BODY_TOO_LARGE')
  assert.equal(closes, true)
  assert.equal(times, 1)
})

test('bodies that arrive slowly have a bound together; nothing is held of those that are over', async () => {
  const { port } = server.address() as AddressInfo
  const head = 'POST /strict HTTP/1.1\r\nhost: a\r\nx-api-key: r\r\ncontent-length: 50\r\n\r\n'
  const send = async (text: string, bytesHeld: number) => {
    const connection = await RawConnection.open(port)
    connection.write(text)
    await eventually(() => assert.equal(held.total, bytesHeld))
    return connection
  }
  const piece = 256 + 10 // with its share of other memory
  const slow: RawConnection[] = []
  for (let i = 1; i <= 3; i++) slow.push(await send(`${head}0123456789`, i * piece))
  const answer = slow[0].next()
  const last = await send(`${head}0123456789`, 3 * piece)
  assert.equal(assertProblemAnswer(await answer, 'OVERLOADED').includes('take all the room'), true)
  await slow[0].closed
  slow[1].close()
  await eventually(() => assert.equal(held.total, 2 * piece))
  for (const connection of [slow[2], last]) {
    const whole = connection.next()
    connection.write('x'.repeat(40))
    assert.equal((await whole).body, `0123456789${'x'.repeat(40)}`)
    connection.close()
  }
  assert.equal(held.total, 0)
})

test('every refusal ends its connection while the server drains', async () => {
  isDraining = true
  const { answer, closes } = await post('x', 'x')
  assertProblemAnswer(answer, 'UNAUTHENTICATED')
  assert.equal(closes, true)
  isDraining = false
})
