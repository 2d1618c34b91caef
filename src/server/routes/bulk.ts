import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import { sideBodies } from './featureBodies.ts'
import { featureLinesParser } from './featureLines.ts'
import { type BodyLimits, LOADS_MAX } from '../limits.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import type { FeatureService } from '../services.ts'

const MEDIA_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl']

const PROBLEMS_OF_LOADS: ProblemCode[] = [
  ...(['BAD_JSON', 'BAD_BODY', 'BAD_ID', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const),
  ...(['OVERLOADED', 'STORE_UNAVAILABLE', 'STORE_FULL', 'INTERNAL'] as const),
]

const count = () => Type.Integer({ minimum: 0 })
const Answer = Type.Object(
  { users: count(), restaurants: count(), deleted: count() },
  { additionalProperties: false },
)

/** `POST /features`: many rows at once, a JSON object a line. Only this plugin takes such bodies. */
export function bulkRoute(app: FastifyInstance, features: FeatureService, limits: BodyLimits): void {
  const bodies = { users: sideBodies('users', features), restaurants: sideBodies('restaurants', features) }
  const { users, restaurants } = bodies
  const parse = featureLinesParser(bodies, {
    layout: features.layout,
    lineBytesMax: limits.rowBodyBytesMax,
  })
  let running = 0

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(MEDIA_TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.route<{ Body: Buffer | undefined }>({
    method: 'POST',
    url: '/features',
    bodyLimit: limits.bulkBodyBytesMax,
    config: { right: 'write' },
    validatorCompiler: () => () => true, // the lines are checked one by one, by the same schemas
    schema: {
      operationId: 'put_features',
      summary: 'Write or delete many rows',
      description: `All lines are checked before anything is written; an error names the first wrong line. Empty lines are skipped; one line at least must hold a row. If several lines are about one row, the last one wins. At most ${LOADS_MAX} loads run at once.`,
      tags: ['Features'],
      consumes: MEDIA_TYPES,
      body: Type.Union([users.line, restaurants.line, users.deletion, restaurants.deletion], {
        description: `Newline-delimited JSON. A line is one of these, and at most ${limits.rowBodyBytesMax} bytes long.`,
      }),
      response: {
        200: jsonResponse('The number of lines of each kind.', Answer),
        ...problemResponses(...PROBLEMS_OF_LOADS),
      },
    },
    handler: async (request) => {
      if (running >= LOADS_MAX)
        throw new Problem(
          'OVERLOADED',
          `Cannot take another load: ${LOADS_MAX} are running; send it again later`,
        )
      const { body } = request
      if (body === undefined || body.length === 0) throw withoutRows('none')
      running += 1
      try {
        const { changes, counts } = await parse(body)
        if (changes.length === 0) throw withoutRows('empty lines only')
        await features.write(changes)
        return counts
      } finally {
        running -= 1
      }
    },
  })
}

/** Whoever sends nothing has most likely lost what was to be sent. */
function withoutRows(found: string): Problem {
  return new Problem('BAD_BODY', `Cannot use the body: it must have a line with a row, found ${found}`)
}
