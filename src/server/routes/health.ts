import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import { STORE_KINDS } from '../../store/featureStore.ts'
import { ServedModelSchema, servedModelJson } from './admin.ts'
import { jsonResponse } from '../problems/responses.ts'
import type { Health, Services } from '../services.ts'

const STRICT = { additionalProperties: false }

/** Anybody may see the rest. */
const { path: _, ...publicProperties } = ServedModelSchema.properties

const Live = Type.Object({ status: Type.Literal('live') }, STRICT)
const Ready = Type.Object(
  {
    status: Type.Enum(['ready', 'degraded', 'not ready'], { description: 'degraded: ready, with reasons' }),
    reasons: Type.Array(Type.String()),
    store: Type.Object(
      {
        kind: Type.Enum([...STORE_KINDS]),
        connected: Type.Boolean(),
        synced: Type.Boolean({ description: 'the copy in memory is complete, as far as is known' }),
        lag_ms: Type.Number({ description: 'how long it may have been behind the store; 0 if it is not' }),
      },
      STRICT,
    ),
    model: Type.Union([Type.Object(publicProperties, STRICT), Type.Null()]),
    users: Type.Integer({ minimum: 0 }),
    restaurants: Type.Integer({ minimum: 0 }),
    workers: Type.Integer({ minimum: 0, description: 'listening threads that take requests' }),
  },
  STRICT,
)

/** `/health/live` for restarts and `/health/ready` for load balancers; neither needs a key. */
export function healthRoutes(app: FastifyInstance, services: Services): void {
  const tags = ['Health']
  const config = { right: 'none' } as const
  app.get(
    '/health/live',
    {
      config,
      schema: {
        operationId: 'live',
        summary: 'Whether the process answers at all',
        tags,
        response: { 200: jsonResponse('The process answers.', Live) },
      },
    },
    async () => ({ status: 'live' }),
  )
  app.get(
    '/health/ready',
    {
      config,
      schema: {
        operationId: 'ready',
        summary: 'Whether requests should be sent here',
        tags,
        response: {
          200: jsonResponse('Send requests here.', Ready),
          503: jsonResponse('Do not send requests now; see reasons.', Ready),
        },
      },
    },
    async (_request, reply) => {
      const health = services.health()
      return reply.code(health.ready ? 200 : 503).send(healthJson(health))
    },
  )
}

function healthJson({ ready, reasons, store, model, users, restaurants, listeningThreads }: Health) {
  const { kind, connected, synced, lagMs } = store
  return {
    status: ready ? (reasons.length > 0 ? 'degraded' : 'ready') : 'not ready',
    reasons,
    store: { kind, connected, synced, lag_ms: Math.round(lagMs * 10) / 10 },
    model: model && withoutPath(servedModelJson(model)),
    users,
    restaurants,
    workers: listeningThreads,
  }
}

function withoutPath({ path: _path, ...model }: ReturnType<typeof servedModelJson>) {
  return model
}
