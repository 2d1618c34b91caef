import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiKeys, Right } from './apiKeys.ts'
import { Problem } from '../problems/problems.ts'

export const UNKNOWN_KEY = new Problem(
  'UNAUTHENTICATED',
  'Cannot allow this request: it needs a known API key in the header Authorization: Bearer or X-Api-Key',
)

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The right that a key must have for this route; `none`: no key is needed; absent: `admin`, so that
     * nothing is open by mistake.
     */
    right?: Right | 'none'
  }
}

/** The right that a route with this config asks for. */
export function rightOf(config: { right?: Right | 'none' } | undefined): Right | 'none' {
  return config?.right ?? 'admin'
}

/** Lets only requests with a fitting key pass, before their body is read. */
export function installAuthorization(app: FastifyInstance, keys: ApiKeys): void {
  app.addHook('onRequest', async (request) => {
    const right = rightOf(request.routeOptions.config)
    if (!request.is404 && right !== 'none') requireRight(request, keys, right)
  })
}

function requireRight(request: FastifyRequest, keys: ApiKeys, right: Right): void {
  const verdict = keys.check(request.headers, right)
  if (verdict === 'granted') return
  if (verdict === 'forbidden')
    throw new Problem('FORBIDDEN', `Cannot allow this request: the key must have the right ${right}`)
  throw UNKNOWN_KEY
}
