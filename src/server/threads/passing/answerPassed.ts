import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { PROBLEM_MEDIA_TYPE, problemBody, problemOf } from '../../problems/problems.ts'
import type { PassedAnswer, PassedRequest } from '../protocol.ts'

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date'])

/** Answers a request that a listening thread has passed on, with `app`. Never throws. */
export async function answerPassed(
  app: FastifyInstance,
  request: PassedRequest,
  logger: Logger,
): Promise<PassedAnswer> {
  try {
    return (await shared(app, request, logger)) ?? (await inject(app, request))
  } catch (error) {
    // What cannot even be handed to the application concerns one request only.
    logger.error({ err: error }, 'request failed')
    const { status, code, message } = problemOf(error)
    const body = new TextEncoder().encode(problemBody(code, message))
    return { status, headers: { 'content-type': PROBLEM_MEDIA_TYPE }, body }
  }
}

/** What lies in shared memory, past the application, which would copy it; undefined: it is something else. */
async function shared(
  app: FastifyInstance,
  { method, url, headers }: PassedRequest,
  logger: Logger,
): Promise<PassedAnswer | undefined> {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const [path] = url.split('?', 1)
  const answer = await app.sharedAnswer(path, headers)
  if (answer) logger.debug({ method, route: path, status: answer.status }, 'request')
  return answer
}

async function inject(
  app: FastifyInstance,
  { method, url, headers, body }: PassedRequest,
): Promise<PassedAnswer> {
  const response = await app.inject({
    method: method as 'GET',
    url,
    headers: headers as Record<string, string>,
    ...(body && { payload: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }),
  })
  const passed: PassedAnswer['headers'] = {}
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name))
      passed[name] = typeof value === 'number' ? String(value) : value
  return { status: response.statusCode, headers: passed, body: new Uint8Array(response.rawPayload) }
}
