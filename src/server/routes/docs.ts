import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { packageVersion } from '../../packageVersion.ts'
import { rightOf } from '../keys/authorize.ts'
import { problemResponses, ProblemSchema } from '../problems/responses.ts'
import type { FeatureService } from '../services.ts'
import { featureComponents } from './featureDocs.ts'

// The page loads nothing from anywhere else; it sets styles of its own on elements.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'The same key in another header.' },
} as const

/** Collects the schemas of all routes that are registered after it. */
export function collectSchemas(app: FastifyInstance, { hasKeys }: { hasKeys: boolean }): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Nearrank',
        description: 'Ranked places near a user, from features that change. Errors are problems (RFC 9457).',
        version: packageVersion(),
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'this server' }],
      tags: ['Ranking', 'Features', 'Model', 'Health', 'Documentation'].map((name) => ({ name })),
      components: {
        schemas: { Problem: ProblemSchema },
        ...(hasKeys && { securitySchemes: SECURITY_SCHEMES }),
      },
    },
    transform: ({ schema, url, route }) => {
      const needsKey = hasKeys && rightOf(route.config) !== 'none'
      return { schema: needsKey ? secured(schema) : schema, url }
    },
  })
}

/** `/openapi.json`, and `/docs`: the same as a page to read and try, whose files are all served here. */
export function docsRoutes(app: FastifyInstance, features: FeatureService): void {
  // The document is made once, and the features change with the model.
  const described = (document: object): object => {
    const { components } = document as { components?: { schemas?: object } }
    const schemas = { ...components?.schemas, ...featureComponents(features) }
    return { ...document, components: { ...components, schemas } }
  }
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, right: 'none' }
  })
  app.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'openapi',
        summary: 'This description, as OpenAPI 3.1',
        tags: ['Documentation'],
        response: {
          200: {
            description: 'The document.',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
        },
      },
    },
    async () => described(app.swagger()),
  )
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    transformSpecification: (document) => described(document),
    theme: { title: 'Nearrank API' },
    uiConfig: { layout: 'BaseLayout', deepLinking: true, tryItOutEnabled: true, docExpansion: 'list' },
  })
}

function secured(schema: FastifySchema): FastifySchema {
  return {
    ...schema,
    security: [{ bearer: [] }, { apiKey: [] }],
    response: { ...(schema?.response as object), ...problemResponses('UNAUTHENTICATED', 'FORBIDDEN') },
  }
}
