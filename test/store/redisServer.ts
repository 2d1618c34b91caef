import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RespClient } from './respClient.ts'

const START_DEADLINE_MS = 30_000

/** Why tests with a real server cannot run here; false: they can. In CI they have to. */
export const NO_REDIS: string | false =
  spawnSync('redis-server', ['--version']).status === 0 || process.env.NEARRANK_CI === '1'
    ? false
    : 'redis-server is not installed (Debian: apt-get install redis-server)'

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** A connection of the test's own, which shares no code with the store. */
  client(): Promise<RespClient>
  /** Kills the process, as a crash does, and waits for its end. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>
  /** Ends it and takes its files away. */
  remove(): Promise<void>
}

/** A real redis-server on a free port, with `config` as further words of its command line. */
export async function redisServer(config: string[] = []): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'nearrank-redis-'))
  const port = await freePort()
  const clients: RespClient[] = []
  const client = async () => {
    const one = await RespClient.connect(port)
    clients.push(one)
    return one
  }
  let child: ChildProcess
  const restart = async () => {
    child = spawn(
      'redis-server',
      ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...config],
      { stdio: 'ignore' },
    )
    await answers(child, port)
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const remove = async () => {
    for (const one of clients) one.close()
    await kill()
    await rm(folder, { recursive: true, force: true })
  }
  await restart()
  return { port, url: `redis://127.0.0.1:${port}`, client, kill, restart, remove }
}

async function answers(child: ChildProcess, port: number): Promise<void> {
  const deadlineMs = Date.now() + START_DEADLINE_MS
  while (Date.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
    const client = await RespClient.connect(port).catch(() => undefined)
    const reply = await client?.send('PING').catch(() => undefined)
    client?.close()
    // A server with a password answers as well.
    if (reply === 'PONG' || reply instanceof Error) return
    await sleep(20)
  }
  throw new Error('redis-server does not answer')
}

const given = new Set<number>() // to servers that may not listen yet

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  if (given.has(port)) return freePort()
  given.add(port)
  return port
}
