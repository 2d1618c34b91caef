import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../store/redisRowsOfServer.ts'
import { RawConnection } from './rawConnection.ts'
import { CENTRE, makeWorld, putRow, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'
import type { Kill } from './threadKiller.ts'

const KILLER = fileURLToPath(new URL('./threadKiller.ts', import.meta.url))
const FEATURES = Array.from({ length: 30 }, (_, i) => i / 10)
const wish = { ...CENTRE, max_dist: 1e6, size: 5 }

const world = await makeWorld()

describe('a listening thread that dies', { concurrency: false }, () => {
  for (const [of, workers, cause] of [
    ['memory', 2, /ERR_WORKER_OUT_OF_MEMORY/],
    ['error', 2, /TypeError/],
    ['error', 1, /TypeError/],
  ] as const)
    test(`of ${of}, one of ${workers}: the log says so, the others serve on, and it is started again`, async () => {
      const server = await start(workers)
      const before = await ask(server, (connection) => rankedList(connection, 1, wish))
      kill(server, { of, threads: 1 })
      await eventually(() => assert.match(server.stderr, /a listening thread has ended/))
      if (workers > 1)
        await eventually(async () => {
          const { status, reasons } = await readiness(server)
          assert.equal(status, 'degraded')
          assert.deepEqual(reasons, ['Only 1 of 2 listening threads take requests: see the log.'])
        })
      await eventually(() => assert.match(server.stderr, /takes requests again/))
      assert.deepEqual(await readiness(server), { status: 'ready', reasons: [], workers })
      const { body } = await ask(server, (connection) => connection.send('GET /metrics'))
      assert.match(body, /^nearrank_thread_restarts_total 1$/m)
      const lines = logLines(server).filter(({ level }) => level === 'error' || level === 'fatal')
      assert.equal(lines.length, 1, server.stderr)
      assert.ok([1, 2].includes(lines[0].thread))
      assert.match(JSON.stringify(lines[0].err), cause)
      for (let i = 0; i < 10; i++)
        assert.deepEqual(await ask(server, (connection) => rankedList(connection, 1, wish)), before)
      // A write is visible in all threads, the new one too.
      await ask(server, (connection) => putRow(connection, '/users/1', { features: FEATURES }))
      const changed = await ask(server, (connection) => rankedList(connection, 1, wish))
      assert.notDeepEqual(changed, before)
      for (let i = 0; i < 10; i++)
        assert.deepEqual(await ask(server, (connection) => rankedList(connection, 1, wish)), changed)
      server.signal('SIGTERM')
      assert.equal(await server.ended(), 0, server.stderr)
    })

  test('again and again: the server ends, says of what, and does not call a lack of memory a bug', async () => {
    const endOf = async (last: Kill['of']): Promise<string> => {
      const server = await start(1)
      for (let death = 1; death < 5; death++) {
        kill(server, { of: 'error', threads: 1 })
        await eventually(() => assert.equal(server.stderr.split('takes requests again').length, death + 1))
      }
      kill(server, { of: last, threads: 1 })
      assert.equal(await server.ended(), 1)
      assert.match(server.stderr, /Cannot serve: listening thread 1 has ended 5 times within a minute/)
      return server.stderr
    }
    const [memory, error] = await Promise.all([endOf('memory'), endOf('error')])
    assert.match(memory, /because 256 MiB of heap were not enough; lower --max-queue/)
    assert.doesNotMatch(memory, /This is a bug/)
    assert.match(error, /Cannot read properties of null[^]*This is a bug/)
  })
})

function start(workers: number): Promise<ServeProcess> {
  return world
    .newStore()
    .then((store) =>
      ServeProcess.start(
        ['--model', world.model, '--store', store, '--workers', String(workers), '--drain-seconds', '1'],
        'pipe',
        { preload: KILLER },
      ),
    )
}

function kill({ child }: ServeProcess, how: Kill): void {
  child.send(how)
}

/** On a connection of its own: the kernel deals them out among the threads. */
async function ask<T>({ port }: ServeProcess, work: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(port)
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}

async function readiness(
  server: ServeProcess,
): Promise<{ status: string; reasons: string[]; workers: number }> {
  const { body } = await ask(server, (connection) => connection.send('GET /health/ready'))
  const { status, reasons, workers } = JSON.parse(body) as Awaited<ReturnType<typeof readiness>>
  return { status, reasons, workers }
}

function logLines({ stderr }: ServeProcess): { level: string; thread: number; err: unknown }[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string; thread: number; err: unknown })
}
