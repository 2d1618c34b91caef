import type { FastifyInstance } from 'fastify'
import type { ApiKeys, KeyHeaders, Right } from './apiKeys.ts'
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
    const refusal = request.is404 || right === 'none' ? undefined : keyRefusal(request.headers, keys, right)
    if (refusal) throw refusal
  })
}

/** Why the key of a request does not give it `right`; undefined: it does. */
export function keyRefusal(headers: KeyHeaders, keys: ApiKeys, right: Right): Problem | undefined {
  const verdict = keys.check(headers, right)
  if (verdict === 'granted') return undefined
  if (verdict === 'unauthenticated') return UNKNOWN_KEY
  return new Problem('FORBIDDEN', `Cannot allow this request: the key must have the right ${right}`)
}
