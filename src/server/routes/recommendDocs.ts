import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { RecommendBody } from '../../ranking/requestBody.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import { featuresRef } from './featureDocs.ts'
import { Problem } from '../problems/problems.ts'

const CLOSED = { additionalProperties: false }
const Restaurant = Type.Object(
  {
    id: Type.Union([Type.Integer(), Type.String()]),
    score: Type.Number({ minimum: 0, maximum: 1, description: 'Click probability, to nine decimals' }),
    displacement: Type.Number({
      minimum: 0,
      description: 'Great-circle distance in metres, to the millimetre',
    }),
  },
  CLOSED,
)
/** With the names and kinds of the context, which change with the model. */
const Body = {
  ...RecommendBody,
  properties: { ...RecommendBody.properties, context: featuresRef('context') },
}
const Answer = Type.Object({ restaurants: Type.Array(Restaurant) }, CLOSED)

const SCHEMA = {
  operationId: 'recommend',
  summary: 'Ranked restaurants near a user',
  description:
    'Restaurants within reach, best first. The header nearrank-user is `average` if the user is unknown and the list is for the mean user. ' +
    'Server-Timing holds the time that parsing, ranking and writing took.',
  tags: ['Ranking'],
  params: Type.Object(
    { user_id: Type.String({ description: 'The user: `42`, or `u00042` if ids are integers' }) },
    CLOSED,
  ),
  body: Body,
  response: {
    200: jsonResponse('The ranked list.', Answer),
    ...problemResponses(
      ...(['BAD_JSON', 'BAD_BODY', 'BAD_ID', 'TOO_MANY_CANDIDATES', 'UNKNOWN_USER'] as const),
      ...([
        'BODY_TOO_LARGE',
        'UNSUPPORTED_MEDIA_TYPE',
        'NOT_FINITE',
        'INTERNAL',
        'OVERLOADED',
        'NOT_READY',
      ] as const),
    ),
  },
}

/**
 * `POST /recommend/{user_id}` for `/openapi.json`, and for the refusal of other methods of its path. The
 * listening threads answer it before it gets here (`threads/ranking/rankingRoute.ts`).
 */
export function recommendRoute(app: FastifyInstance): void {
  app.post(
    '/recommend/:user_id',
    { schema: SCHEMA, config: { right: 'read' }, validatorCompiler: () => () => true },
    () => {
      throw new Problem('UNKNOWN_ROUTE', 'Cannot rank: the path must be /recommend/ and one user id')
    },
  )
}
