// npm run bench:visibility: is an update seen by every worker after its acknowledgement, and how soon one that another program writes into Redis? About a minute.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createHistogram } from 'node:perf_hooks'
import { nearrank, serveArgs, startChild } from './child.ts'

const PORT = 18_403
const REDIS_PORT = 18_404
const TRIES = 10_000
const FOREIGN_TRIES = 2_000
const CONNECTIONS = 16 // spread over two workers by the kernel: all on one is a chance of 1 in 32,768
const HERE = { latitude: 13.8, longitude: 100.5 }
const WORKERS = ['--workers', '2']
const scratch = mkdtempSync(join(tmpdir(), 'nearrank-bench-'))
const agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true, maxSockets: 1 }))

async function call(
  agent: Agent,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json' }
  const sent = request({ host: '127.0.0.1', port: PORT, method, path, agent, headers })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += String(piece)
  return { status: response.statusCode ?? 0, text }
}

/** The distance of restaurant 7 as a worker ranks with it now; it is moved to tell states apart. */
async function seen(agent: Agent): Promise<number> {
  const { text } = await call(agent, 'POST', '/recommend/1', {
    ...HERE,
    candidate_restaurant_ids: [7],
    max_dist: 1e7,
  })
  return (JSON.parse(text) as { restaurants: { displacement: number }[] }).restaurants[0]?.displacement ?? -1
}

function place(step: number): { latitude: number; longitude: number } {
  return { latitude: HERE.latitude + (step % 1000) * 1e-3, longitude: HERE.longitude }
}

/** As it was put: a thousandth of a degree of latitude is 111.195 m. */
function isAt(step: number, displacement: number): boolean {
  return Math.abs(displacement - (step % 1000) * 111.195_08) < 1
}

async function acknowledged(features: number[]): Promise<number> {
  let stale = 0
  for (let step = 1; step <= TRIES; step++) {
    const { status } = await call(agents[0], 'PUT', '/restaurants/7', { features, ...place(step) })
    if (status !== 204) throw new Error(`PUT was answered with ${status}`)
    if (!isAt(step, await seen(agents[1 + (step % (CONNECTIONS - 1))]))) stale++
  }
  return stale
}

async function foreign(features: number[]) {
  const histogram = createHistogram()
  const redis = connect(REDIS_PORT, '127.0.0.1').setNoDelay(true)
  await once(redis, 'connect')
  const bytes = Buffer.from(Float32Array.from(features).buffer)
  for (let step = 1; step <= FOREIGN_TRIES; step++) {
    const { latitude, longitude } = place(step)
    await hset(redis, 'nearrank:restaurant:7', {
      features: bytes,
      latitude: String(latitude),
      longitude: String(longitude),
    })
    const written = performance.now()
    while (!isAt(step, await seen(agents[step % CONNECTIONS])))
      if (performance.now() - written > 5000) throw new Error('not seen')
    histogram.record(Math.max(1, Math.round((performance.now() - written) * 1e6)))
  }
  redis.destroy()
  const ms = (percentile: number) => histogram.percentile(percentile) / 1e6
  return { p50: ms(50), p99: ms(99), max: histogram.max / 1e6 }
}

/** One command, by hand: a client that is not ours. */
async function hset(redis: Socket, key: string, fields: Record<string, string | Buffer>): Promise<void> {
  const parts = ['HSET', key, ...Object.entries(fields).flat()].map((part) => Buffer.from(part))
  const pieces = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])
  redis.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...pieces]))
  const [reply] = (await once(redis, 'data')) as [Buffer]
  if (reply[0] !== ':'.charCodeAt(0)) throw new Error(reply.toString())
}

try {
  const data = join(scratch, 'data')
  const model = join(scratch, 'model')
  await nearrank(
    'generate',
    '--out',
    data,
    '--rows',
    '200000',
    '--test-rows',
    '10000',
    '--users',
    '10000',
    '--restaurants',
    '1000',
    '--files',
    '1',
    '--test-files',
    '1',
  )
  await nearrank('train', '--data', data, '--out', model, '--epochs', '1')
  const serve = (store: string) =>
    startChild(serveArgs('--model', model, '--data', data, '--store', store, '--port', `${PORT}`, ...WORKERS))
  const features = Array.from({ length: 10 }, (_, i) => i / 10)

  const server = await serve(`sqlite:${join(scratch, 'features.db')}`)
  const stale = await acknowledged(features)
  console.log(
    `SQLite: ${TRIES} updates, each asked for at once on another connection to 2 workers: ${stale} stale`,
  )
  await server.stop()

  const redisServer = spawn('redis-server', ['--port', `${REDIS_PORT}`, '--save', '', '--dir', scratch], {
    stdio: 'ignore',
  })
  await delay(500)
  const shared = await serve(`redis://127.0.0.1:${REDIS_PORT}`)
  const { p50, p99, max } = await foreign(features)
  console.log(
    `Redis, written by another client: from its reply to the first answer that shows it, the asking included: ` +
      `P50 ${p50.toFixed(2)}, P99 ${p99.toFixed(2)}, max ${max.toFixed(2)} ms of ${FOREIGN_TRIES}`,
  )
  await shared.stop()
  redisServer.kill()
  if (stale > 0 || p99 > 10) process.exitCode = 1
} finally {
  for (const agent of agents) agent.destroy()
  rmSync(scratch, { recursive: true })
}
