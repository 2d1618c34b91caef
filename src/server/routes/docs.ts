import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { packageVersion } from '../../packageVersion.ts'
import { rightOf } from '../keys/authorize.ts'
import { problemResponses, ProblemSchema } from '../problems/responses.ts'
import type { FeaturesOf } from '../../features/featureSpec.ts'
import type { FeatureService } from '../services.ts'
import { CONTENT_SECURITY_POLICY, docsFile, docsPage } from './docsFiles.ts'
import { fileAnswer, type SharedFile, sharedFile } from './sharedFile.ts'
import { type SharedAnswer, sendShared } from './sharedAnswers.ts'
import { featureComponents } from './featureDocs.ts'

const OPENAPI_PATH = '/openapi.json'
const DOCS_FILES_PATH = '/docs/static/'
const JSON_TYPE = 'application/json; charset=utf-8'

// Relative to the document, so that it is true behind a proxy that puts a prefix before all paths.
const SERVERS = [{ url: './', description: 'this server' }]

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

/**
 * `/openapi.json`, and `/docs`: the same as a page to read and try, whose files are all served here. What
 * `docsAnswers` answers is the same for everybody and lies in shared memory.
 */
export function docsRoutes(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, right: 'none' }
  })
  app.get(
    OPENAPI_PATH,
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
    sendShared,
  )
  app.get(`${DOCS_FILES_PATH}:file`, { schema: { hide: true } }, sendShared)
  for (const url of ['/docs', '/docs/'])
    app.get(url, { schema: { hide: true } }, async (_request, reply) => {
      reply.type('text/html; charset=utf-8').header('content-security-policy', CONTENT_SECURITY_POLICY)
      return docsPage({ isFolder: url.endsWith('/') })
    })
}

/** Answers what is the same for everybody: the document, which is made once for each model, and the files. */
export function docsAnswers(app: FastifyInstance, features: FeatureService): SharedAnswer {
  let document: { of: FeaturesOf; file: SharedFile } | undefined
  const openApi = async (): Promise<SharedFile> => {
    await app.ready()
    const of = features.features()
    if (document?.of !== of) {
      const made = app.swagger() as { components?: { schemas?: object } }
      const schemas = { ...made.components?.schemas, ...featureComponents(features) }
      const text = JSON.stringify({ ...made, servers: SERVERS, components: { ...made.components, schemas } })
      document = { of, file: sharedFile(Buffer.from(text), { 'content-type': JSON_TYPE }) }
    }
    return document.file
  }
  return async (path, request) => {
    if (path === OPENAPI_PATH) return fileAnswer(await openApi(), request)
    if (!path.startsWith(DOCS_FILES_PATH)) return undefined
    const file = await docsFile(path.slice(DOCS_FILES_PATH.length))
    return file && fileAnswer(file, request)
  }
}

function secured(schema: FastifySchema): FastifySchema {
  return {
    ...schema,
    security: [{ bearer: [] }, { apiKey: [] }],
    response: { ...(schema?.response as object), ...problemResponses('UNAUTHENTICATED', 'FORBIDDEN') },
  }
}
