import type { FastifyInstance } from 'fastify'
import { problemResponses } from '../problems/responses.ts'
import type { Services } from '../services.ts'

const MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8' // Prometheus's text format

/** `GET /metrics`. */
export function metricsRoute(app: FastifyInstance, services: Services): void {
  app.get(
    '/metrics',
    {
      config: { right: 'read' },
      schema: {
        operationId: 'metrics',
        summary: "Metrics in Prometheus's text format",
        tags: ['Health'],
        response: {
          200: { description: 'All metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...problemResponses('INTERNAL'),
        },
      },
    },
    async (_request, reply) => reply.type(MEDIA_TYPE).send(await services.metrics()),
  )
}
