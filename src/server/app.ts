import { parseJson } from '../json/parseJson.ts'
import { isUtf8 } from 'node:buffer'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { messageOf } from '../errors.ts'
import { BODY_LIMITS, type BodyLimits } from './limits.ts'
import { adminRoutes } from './routes/admin.ts'
import type { ApiKeys } from './keys/apiKeys.ts'
import { installAuthorization } from './keys/authorize.ts'
import { validatorCompiler } from './routes/bodyCheck.ts'
import { bulkRoute } from './routes/bulk.ts'
import type { ConsolePage } from './console/page.ts'
import { consoleAnswers, consoleRoutes } from './console/routes.ts'
import { collectSchemas, docsAnswers, docsRoutes } from './routes/docs.ts'
import { shareAnswers } from './routes/sharedAnswers.ts'
import { featureRoutes } from './routes/features.ts'
import { manyRowsRoutes } from './routes/manyRows.ts'
import { modelReportsRoute } from './routes/modelReports.ts'
import { modelFeaturesRoute } from './routes/modelFeatures.ts'
import { healthRoutes } from './routes/health.ts'
import { lastProblemsRoute } from './routes/lastProblems.ts'
import { metricsRoute } from './routes/metrics.ts'
import { errorAnswer, installProblems } from './problems/handlers.ts'
import { Problem } from './problems/problems.ts'
import { recommendRoute } from './routes/recommend.ts'
import type { Services } from './services.ts'

const PATH_ID_CHARS_MAX = 4096 // before decoding; an id's own limit is checked afterwards

// Set at the start, so that Fastify never loads its own compilers (50 ms). Response schemas document, they
// select nothing. The cast: Fastify's type of a validator only allows true and false.
const SCHEMA_CONTROLLER = {
  compilersFactory: {
    buildValidator: () => validatorCompiler,
    buildSerializer: () => () => JSON.stringify,
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

export interface AppOptions {
  services: Services
  /** Absent: everybody may do everything. */
  apiKeys?: ApiKeys
  /** The page at `/`. Absent: there is none. */
  console?: ConsolePage
  /** @default BODY_LIMITS */
  limits?: Partial<BodyLimits>
  /** @default none */
  logger?: FastifyBaseLogger
}

/** The HTTP application, built and not listening: every route, its schemas, rights and errors. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { services, apiKeys, logger } = options
  const limits: BodyLimits = { ...BODY_LIMITS, ...options.limits }
  const answerError = errorAnswer(services.problems)
  const app: FastifyInstance = fastify({
    ...(logger && { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }), // one line of our own instead
    return503OnClosing: false, // who listens drains first, and answers from the table of problems
    bodyLimit: limits.rowBodyBytesMax,
    routerOptions: { maxParamLength: PATH_ID_CHARS_MAX },
    frameworkErrors: answerError,
    schemaController: SCHEMA_CONTROLLER,
  })
  useStrictJson(app)
  installProblems(app, answerError)
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  app.addHook('onResponse', async (request, reply) => {
    const { url: route } = request.routeOptions // the pattern: a path would tell ids
    request.log.debug(
      { method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime },
      'request',
    )
  })
  const docs = docsAnswers(app, services.features)
  shareAnswers(app, options.console ? [docs, consoleAnswers(options.console)] : [docs])
  if (apiKeys) installAuthorization(app, apiKeys)
  collectSchemas(app, { hasKeys: apiKeys !== undefined })
  const { explanations, features } = services
  const userIds = features.layout.users.ids
  app.register(async (scope) => recommendRoute(scope, { explanations, userIds }))
  app.register(async (scope) => {
    featureRoutes(scope, features)
    manyRowsRoutes(scope, features)
    modelFeaturesRoute(scope, features)
  })
  app.register(async (scope) => bulkRoute(scope, features, limits))
  app.register(async (scope) => {
    adminRoutes(scope, services.models)
    modelReportsRoute(scope, services.models)
  })
  app.register(async (scope) => {
    healthRoutes(scope, services)
    metricsRoute(scope, services)
    lastProblemsRoute(scope, services.problems)
  })
  app.register(async (scope) => docsRoutes(scope))
  if (options.console) app.register(async (scope) => consoleRoutes(scope))
  return app
}

/**
 * JSON is the only body that is read. An empty one counts as none. Keys such as `__proto__` stay plain keys,
 * which no schema allows.
 */
function useStrictJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => parseBody(body),
  )
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw new Problem('BAD_JSON', 'Cannot read the body: it must be UTF-8')
  try {
    return parseJson(body.toString('utf8'))
  } catch (error) {
    throw new Problem('BAD_JSON', `Cannot read the body: ${messageOf(error)}`)
  }
}
