import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import { type IdKind, idJson } from '../../ids.ts'
import { exactJson } from '../../json/exactJson.ts'
import type { ExplainedRestaurant } from '../../live/liveExplainer.ts'
import { parseRecommendRequest, RecommendBody } from '../../ranking/requestBody.ts'
import { rankingBodyBytesMax } from '../limits.ts'
import { idParam } from './idParam.ts'
import { featuresRef } from './featureDocs.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import { Problem } from '../problems/problems.ts'
import type { ExplanationService } from '../services.ts'

const CLOSED = { additionalProperties: false }
const DECIMALS = 1e9
const FeatureEffect = Type.Object(
  {
    feature: Type.String({ description: 'As `restaurant.cuisine`; that of a pair begins with `pair.`' }),
    effect: Type.Number({ description: 'How much it moved the logit, to nine decimals' }),
    value: Type.Unknown({ description: 'As it is stored or was told; null if it is missing' }),
    encoded: Type.String({ description: 'What the encoder made of the value, in words' }),
  },
  CLOSED,
)
const Explanation = Type.Object(
  {
    baseline: Type.Number({ description: 'The logit of the average that effects are measured from' }),
    logit: Type.Number({ description: 'The logit of the score: baseline and all effects together' }),
    features: Type.Array(FeatureEffect, { description: 'Largest effect first' }),
  },
  { ...CLOSED, description: 'With explain' },
)
const Restaurant = Type.Object(
  {
    id: Type.Union([Type.Integer(), Type.String()]),
    score: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Click probability, or of some models a value that only orders, to nine decimals',
    }),
    displacement: Type.Number({
      minimum: 0,
      description: 'Great-circle distance in metres, to the millimetre',
    }),
    explanation: Type.Optional(Explanation),
  },
  CLOSED,
)
/** With the names and kinds of the context, which change with the model. */
const Body = {
  ...RecommendBody,
  properties: { ...RecommendBody.properties, context: featuresRef('context') },
}
const Answer = Type.Object({ restaurants: Type.Array(Restaurant) }, CLOSED)

const schemaFor = (userIds: IdKind) => ({
  operationId: 'recommend',
  summary: 'Ranked restaurants near a user',
  description:
    'Restaurants within reach, best first. The header nearrank-user is `average` if the user is unknown and the list is for the mean user. ' +
    'Server-Timing holds the time that parsing, ranking and writing took.',
  tags: ['Ranking'],
  params: Type.Object({ user_id: idParam(userIds, 'user') }, CLOSED),
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
})

/**
 * `POST /recommend/{user_id}` for `/openapi.json`, for the refusal of other methods of its path, and for
 * requests with `explain`. The listening threads answer all others before they get here
 * (`threads/ranking/rankingRoute.ts`), and check what they pass on.
 */
export function recommendRoute(
  app: FastifyInstance,
  { explanations, userIds }: { explanations: ExplanationService; userIds: IdKind },
): void {
  app.post<{ Params: { user_id: string } }>(
    '/recommend/:user_id',
    {
      schema: schemaFor(userIds),
      config: { right: 'read' },
      validatorCompiler: () => (value) => ({ value }),
      bodyLimit: rankingBodyBytesMax(explanations.candidatesMax),
    },
    async ({ params, body }, reply) => {
      const request = parseRecommendRequest(body)
      if (!request.explain)
        throw new Problem('UNKNOWN_ROUTE', 'Cannot rank: the path must be /recommend/ and one user id')
      const { restaurants, isAverage } = await explanations.explain(params.user_id, request)
      if (isAverage) reply.header('nearrank-user', 'average')
      return reply.type('application/json').send(`{"restaurants":[${restaurants.map(itemJson).join(',')}]}`)
    },
  )
}

/** As `AnswerWriter` writes it, with the explanation. */
function itemJson({ id, score, distanceM, explanation }: ExplainedRestaurant): string {
  const { baseline, logit, features } = explanation
  const explained = exactJson({
    baseline: rounded(baseline),
    logit: rounded(logit),
    features: features.map(({ feature, effect, value, encoded }) => {
      return { feature, effect: rounded(effect), value, encoded }
    }),
  })
  const displacement = Math.round(1000 * distanceM) / 1000
  return `{"id":${idJson(id)},"score":${rounded(score)},"displacement":${displacement},"explanation":${explained}}`
}

function rounded(value: number): number {
  return Math.round(DECIMALS * value) / DECIMALS
}
