import { Type } from 'typebox'
import { RecommendBody } from '../ranking/requestBody.ts'
import { jsonResponse, problemResponses } from './problemResponses.ts'

const Answer = Type.Object({
  restaurants: Type.Array(
    Type.Object({
      id: Type.Union([Type.Integer(), Type.String()]),
      score: Type.Number({ minimum: 0, maximum: 1, description: 'Click probability, to nine decimals' }),
      displacement: Type.Number({
        minimum: 0,
        description: 'Great-circle distance in metres, to the millimetre',
      }),
    }),
  ),
})

/** What `/openapi.json` tells of `POST /recommend/{user_id}`. */
export const RECOMMEND_SCHEMA = {
  operationId: 'recommend',
  summary: 'Ranked restaurants near a user',
  description:
    'Restaurants within reach, best first. The header nearrank-user says `average` where the user is unknown and the mean user took its place; ' +
    'Server-Timing says what parsing, ranking and writing took.',
  tags: ['Ranking'],
  params: Type.Object({
    user_id: Type.String({ description: 'The user: `42`, or `u00042` where ids are integers' }),
  }),
  body: RecommendBody,
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
