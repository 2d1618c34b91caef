import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { after, test } from 'node:test'
import { LastProblems } from '../../../../src/server/problems/lastProblems.ts'
import { createThreadServer, type ThreadServerOptions } from '../../../../src/server/threads/threadServer.ts'
import { eventually } from '../../../store/redisRowsOfServer.ts'
import { openUnread, RawConnection, requestBytes } from '../../rawConnection.ts'

const MIB = 2 ** 20
const BIG = Buffer.alloc(8 * MIB, 'x') // more than the buffers of the kernel hold

interface Asked {
  path: string
  response: ServerResponse
}

/** A server whose answers the test gives itself; all that is asked, in order. */
async function serve(
  options: ThreadServerOptions,
): Promise<{ port: number; asked: Asked[]; refused: string[]; dropped: () => number; server: Server }> {
  const asked: Asked[] = []
  const refused: string[] = [] // of the rankings
  let dropped = 0
  const route = { handle: (response: ServerResponse, path: string) => void asked.push({ path, response }) }
  const onDropped = () => dropped++
  const server = createThreadServer(
    {
      crossOrigin: null,
      guard: null,
      ranking: { ...route, countRefusal: ({ code }) => void refused.push(code) },
      loads: route,
      others: route,
      problems: new LastProblems(),
    },
    { ...options, onDropped },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, asked, refused, dropped: () => dropped, server }
}

function answer({ response, path }: Asked, body: string | Buffer = path): void {
  response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body)
}

test('pipelined requests have their turn one after another, and what comes in bodies is read in its turn', async () => {
  const { port, asked } = await serve({})
  const connection = await RawConnection.open(port)
  after(() => connection.close())
  const body = 'y'.repeat(300_000)
  const coming = Array.from({ length: 100 }, () => connection.next())
  for (let i = 0; i < 99; i++) connection.write(requestBytes(`GET /${i}`))
  connection.write(requestBytes('PUT /99', body))
  for (let i = 0; i < 99; i++) {
    await eventually(() => assert.equal(asked.length, i + 1))
    assert.equal(asked[i].path, `/${i}`)
    answer(asked[i])
  }
  await eventually(() => assert.equal(asked.length, 100))
  let read = 0
  asked[99].response.req.on('data', (piece: Buffer) => (read += piece.length))
  await once(asked[99].response.req, 'end')
  assert.equal(read, body.length)
  answer(asked[99])
  assert.deepEqual(
    (await Promise.all(coming)).map((one) => one.body),
    coming.map((_, i) => `/${i}`),
  )
})

test('a client that does not read gets one answer, and its connection is closed if nothing moves', async () => {
  const { port, asked, dropped } = await serve({ stalledMs: 200 })
  const socket = await openUnread(port)
  after(() => socket.destroy())
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (let i = 0; i < 500; i++) socket.write(requestBytes(`GET /${i}`))
  await eventually(() => assert.equal(asked.length, 1))
  answer(asked[0], BIG)
  await once(asked[0].response, 'close')
  assert.equal(asked.length, 1, 'nothing else was begun')
  assert.equal(dropped(), 1)
  socket.resume()
  await closed
})

test('a connection that waits for a slow answer, or is idle after one, is no client that does not read', async () => {
  const { port, asked, dropped } = await serve({ stalledMs: 100 })
  const connection = await RawConnection.open(port)
  after(() => connection.close())
  const coming = connection.send('GET /slow')
  await eventually(() => assert.equal(asked.length, 1))
  await new Promise((resolve) => setTimeout(resolve, 400))
  answer(asked[0])
  assert.equal((await coming).body, '/slow')
  await new Promise((resolve) => setTimeout(resolve, 400))
  assert.ok(connection.isOpen)
  assert.equal(dropped(), 0)
})

test('past the bound of the thread those are closed that do not read for longest; who reads is served', async () => {
  const { port, asked, dropped } = await serve({ heldBytesMax: 4 * BIG.length })
  const sockets: Socket[] = []
  for (let i = 0; i < 10; i++) {
    const socket = await openUnread(port)
    after(() => socket.destroy())
    socket.write(requestBytes(`GET /${i}`))
    await eventually(() => assert.equal(asked.length, i + 1))
    answer(asked[i], BIG)
    sockets.push(socket)
  }
  await eventually(() => assert.ok(dropped() >= 5 && dropped() < 10, `${dropped()} closed`))
  await eventually(() =>
    assert.deepEqual(
      asked.map(({ response }) => response.destroyed),
      asked.map((_, i) => i < dropped()),
    ),
  )
  const connection = await RawConnection.open(port)
  after(() => connection.close())
  const coming = connection.send('GET /read')
  await eventually(() => assert.equal(asked.length, 11))
  answer(asked[10], BIG)
  assert.equal((await coming).body.length, BIG.length)
})

test('connections that time out together are not closed in one go; one that has gone on meanwhile stays', async () => {
  const { port, asked, server } = await serve({})
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => sockets.push(socket))
  const clients = await Promise.all(Array.from({ length: 300 }, () => RawConnection.open(port)))
  await eventually(() => assert.equal(sockets.length, clients.length))
  const late = clients.map((client) => client.next().catch(() => undefined))
  const open = () => sockets.filter(({ destroyed }) => !destroyed).length

  // As Node tells of them: of some that nothing moves, of others that a request does not arrive.
  const slow = Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
  for (const [i, socket] of sockets.entries())
    if (i % 2 === 0) server.emit('timeout', socket)
    else server.emit('clientError', slow, socket)
  assert.equal(open(), clients.length, 'none within the tick')
  await eventually(() => assert.equal(open(), 0))
  const statuses = (await Promise.all(late)).map((one) => one?.status)
  assert.equal(statuses.filter((status) => status === 408).length, clients.length / 2)

  const connection = await RawConnection.open(port)
  after(() => connection.close())
  const coming = connection.send('GET /again')
  await eventually(() => assert.equal(asked.length, 1))
  const socket = sockets[clients.length]
  answer(asked[0])
  await coming
  let turns = 0
  server.emit('timeout', Object.defineProperty(socket, 'bytesRead', { get: () => turns++ }))
  await eventually(() => assert.equal(turns, 2))
  assert.ok(!socket.destroyed)
})

test('a ranking that arrives too slowly, or breaks in its body, is counted as one', async () => {
  const { port, asked, refused, server } = await serve({})
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => sockets.push(socket))
  const slow = Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
  for (const [i, [request, status, counted]] of (
    [
      ['POST /recommend/1', 408, ['REQUEST_TIMEOUT']],
      ['POST /features', 408, ['REQUEST_TIMEOUT']],
      ['POST /recommend/1', 400, ['REQUEST_TIMEOUT', 'BAD_REQUEST']],
    ] as const
  ).entries()) {
    const connection = await RawConnection.open(port)
    const coming = connection.next()
    connection.write(`${request} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`)
    await eventually(() => assert.equal(asked.length, i + 1))
    if (status === 408) server.emit('clientError', slow, sockets[i])
    else connection.write('no length of a chunk\r\n')
    assert.equal((await coming).status, status)
    assert.deepEqual(refused, counted)
    connection.close()
  }
})
