import assert from 'node:assert/strict'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { PROBLEMS, type ProblemCode } from '../../src/server/problems/problems.ts'

export const JSON_TYPE = { 'content-type': 'application/json' }
export const NDJSON_TYPE = { 'content-type': 'application/x-ndjson' }

/** Sends `text` as it stands, as JSON unless `headers` say otherwise. */
export function send(
  app: FastifyInstance,
  request: string,
  text?: string | Buffer,
  headers: Record<string, string> = JSON_TYPE,
): Promise<LightMyRequestResponse> {
  const [method, url] = request.split(' ')
  const options = { method, url, ...(text === undefined ? {} : { payload: text, headers }) }
  return app.inject(options as InjectOptions)
}

/** Asserts that the answer is the problem `code`, whole, with its status and headers. */
export function assertProblem(
  response: LightMyRequestResponse,
  code: ProblemCode,
  detail: RegExp | string = /^(Cannot|There is) [^\n]+$/,
): void {
  const { status, title, headers = {} } = PROBLEMS[code]
  assert.equal(response.statusCode, status, response.body)
  assert.match(String(response.headers['content-type']), /^application\/problem\+json(;|$)/)
  for (const [name, value] of Object.entries(headers)) assert.equal(response.headers[name], value)
  const body = response.json<Record<string, unknown>>()
  const kebab = code.toLowerCase().replaceAll('_', '-')
  assert.deepEqual(
    { ...body, detail: '' },
    { type: `urn:nearrank:problem:${kebab}`, title, status, detail: '', code },
  )
  if (typeof detail === 'string') assert.equal(body.detail, detail)
  else assert.match(String(body.detail), detail)
}
