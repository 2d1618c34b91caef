import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { ServeOptions } from '../../src/server/serveOptions.ts'
import type { Ranked } from './oracle.ts'
import { serveWorld } from './serverFixture.ts'
import { ValuesOracle } from './valuesOracle.ts'
import { CENTRE, type ValuesWorld } from './valuesWorld.ts'

let stores = 0

/** A server of its own with all rows of the data set, and what it must answer. */
export async function serveValues(
  world: ValuesWorld,
  options: Partial<ServeOptions> = {},
  { fills = true } = {},
) {
  const { data, model, folder } = world
  const store = `sqlite:${join(folder, `s${stores++}.db`)}`
  const server = await serveWorld(
    { model, newStore: async () => store },
    {
      ...(fills && { fill: { data } }),
      ...options,
    },
  )
  const oracle = await ValuesOracle.open(model, world)
  const call = async (
    request: string,
    body?: unknown,
  ): Promise<{ status: number; json: unknown; headers: Headers }> => {
    const [method, path] = request.split(' ')
    const isLines = path === '/features'
    const response = await fetch(server.url + path, {
      method,
      ...(body !== undefined && {
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': isLines ? 'application/x-ndjson' : 'application/json' },
      }),
    })
    const text = await response.text()
    return {
      status: response.status,
      json: text === '' ? undefined : JSON.parse(text),
      headers: response.headers,
    }
  }
  const ranked = async (user: number): Promise<Ranked[]> => {
    const { status, json } = await call(`POST /recommend/${user}`, { ...CENTRE, size: 100, max_dist: 1e5 })
    assert.equal(status, 200, JSON.stringify(json))
    return (json as { restaurants: Ranked[] }).restaurants
  }
  const refused = async (request: string, body: unknown, detail: RegExp, code = 'BAD_BODY') => {
    const { json } = await call(request, body)
    assert.equal((json as { code: string }).code, code, JSON.stringify(json))
    assert.match((json as { detail: string }).detail, detail)
  }
  return { server, oracle, call, ranked, refused, store }
}
