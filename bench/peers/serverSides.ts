import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Running, start, startNearrank } from './processes.ts'
import type { Plan, ServingSide } from './types.ts'

const HOST = '127.0.0.1'

/** A server that listens. */
export interface Server {
  url: string
  process: Running
}

export interface ServerSide {
  label: string
  firstRate: number // per second, where the search for its highest begins
  usesRedis: boolean
  start(): Promise<Server>
}

/** The stores, filled, and what else every side needs. */
export interface Stores extends Pick<Plan, 'data' | 'model' | 'python'> {
  sqlite: string // address of the store
  redis: string | null // the same; null: Redis is not installed
}

/** Every side that can run here, Nearrank first. */
export function serverSides({ data, model, python, sqlite, redis }: Stores): [ServingSide, ServerSide][] {
  const fastApi = async (script: string, workers: number, args: string[]): Promise<Server> => {
    const port = await freePort()
    const path = fileURLToPath(new URL(script, import.meta.url))
    const listen = ['--model', model, '--port', `${port}`, '--workers', `${workers}`]
    const process = start(python, [path, ...listen, ...args])
    await process.says('Application startup complete.', workers) // each worker says so
    return { url: `http://${HOST}:${port}`, process }
  }
  const nearrank = async (): Promise<Server> => {
    const port = await freePort()
    const places = ['--model', model, '--store', sqlite, '--host', HOST, '--port', `${port}`]
    const settings = ['--workers', '2', '--log-level', 'warn', '--json']
    const server = startNearrank('serve', ...places, ...settings)
    await server.says('"url"', 1)
    return { url: `http://${HOST}:${port}`, process: server }
  }
  const memory = (workers: number) => () => fastApi('serve_memory.py', workers, ['--data', data])
  const sides: [ServingSide, ServerSide][] = [
    ['nearrank', { label: 'Nearrank', firstRate: 5000, usesRedis: false, start: nearrank }],
    ['memory1', { label: 'memory, 1 worker', firstRate: 300, usesRedis: false, start: memory(1) }],
    ['memory2', { label: 'memory, 2 workers', firstRate: 400, usesRedis: false, start: memory(2) }],
  ]
  if (redis === null) return sides
  const fromRedis = (locations: string) => () =>
    fastApi('serve_redis.py', 2, ['--redis', redis, '--locations', locations])
  return [
    ...sides,
    ['redis', { label: 'Redis', firstRate: 200, usesRedis: true, start: fromRedis('memory') }],
    [
      'redisLocations',
      { label: 'Redis, locations too', firstRate: 40, usesRedis: true, start: fromRedis('redis') },
    ],
  ]
}

/** A Redis server of this run's own, which keeps nothing. */
export async function startRedis(scratch: string): Promise<Server> {
  const port = await freePort()
  const nothingKept = ['--save', '', '--appendonly', 'no', '--dir', scratch]
  const process = start('redis-server', ['--bind', HOST, '--port', `${port}`, ...nothingKept])
  await process.says('Ready to accept connections', 1)
  return { url: `redis://${HOST}:${port}`, process }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
