import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Side } from '../../store/featureStore.ts'
import {
  featureSchemas,
  type RestaurantBody,
  restaurantRow,
  rowJson,
  type UserBody,
  userRow,
} from './featureBodies.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { emptyResponse, jsonResponse, problemResponses } from '../problems/responses.ts'
import { ID_CHARS_MAX, parseRowId } from '../rowIds.ts'
import type { FeatureService } from '../services.ts'

const NAMES = { users: 'user', restaurants: 'restaurant' } as const
const UNKNOWN = { users: 'UNKNOWN_USER', restaurants: 'UNKNOWN_RESTAURANT' } as const
const BODY_PROBLEMS: ProblemCode[] = ['BAD_JSON', 'BAD_BODY', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
const WRITE_PROBLEMS: ProblemCode[] = ['STORE_UNAVAILABLE', 'STORE_FULL', 'INTERNAL']

/** `GET`, `PUT` and `DELETE` of one row: `/users/{id}` and `/restaurants/{id}`. */
export function featureRoutes(app: FastifyInstance, features: FeatureService): void {
  for (const side of ['users', 'restaurants'] as const) rowRoutes(app, features, side)
}

function rowRoutes(app: FastifyInstance, features: FeatureService, side: Side): void {
  const { layout } = features
  const name = NAMES[side]
  const schemas = featureSchemas(layout)
  const url = `/${side}/:id`
  const params = paramsSchema(side, layout[side].ids === 'integer')
  const tags = ['Features']
  const unknown = (id: string) =>
    new Problem(UNKNOWN[side], `Cannot find the ${name}: there is none with the id ${JSON.stringify(id)}`)

  app.get<{ Params: { id: string } }>(
    url,
    {
      config: { right: 'read' },
      schema: {
        operationId: `get_${name}`,
        summary: `The features of a ${name}`,
        description:
          'As the server ranks with them now. Numbers are the shortest that read back as the same 32-bit float.',
        tags,
        params,
        response: {
          200: jsonResponse(`The ${name}.`, side === 'users' ? schemas.userLine : schemas.restaurantLine),
          ...problemResponses('BAD_ID', UNKNOWN[side], 'INTERNAL'),
        },
      },
    },
    async (request, reply) => {
      const row = features.read(side, parseRowId(request.params.id, side, layout))
      if (row === undefined) throw unknown(request.params.id)
      return reply.type('application/json').send(rowJson(row))
    },
  )

  app.put<{ Params: { id: string } }>(
    url,
    {
      config: { right: 'write' },
      schema: {
        operationId: `put_${name}`,
        summary: `Put a ${name} in, or replace it`,
        description:
          'Once answered, the row is durable and every request that begins later is ranked with it.',
        tags,
        params,
        body: side === 'users' ? schemas.user : schemas.restaurant,
        response: {
          204: emptyResponse('Done.'),
          ...problemResponses('BAD_ID', ...BODY_PROBLEMS, ...WRITE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const id = parseRowId(request.params.id, side, layout)
      const { body } = request
      const row = side === 'users' ? userRow(id, body as UserBody) : restaurantRow(id, body as RestaurantBody)
      await features.write([row])
      return reply.code(204).send()
    },
  )

  app.delete<{ Params: { id: string } }>(
    url,
    {
      config: { right: 'write' },
      schema: {
        operationId: `delete_${name}`,
        summary: `Take a ${name} out`,
        tags,
        params,
        response: {
          204: emptyResponse('Done.'),
          ...problemResponses('BAD_ID', UNKNOWN[side], ...WRITE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const id = parseRowId(request.params.id, side, layout)
      if (features.read(side, id) === undefined) throw unknown(request.params.id)
      await features.write([{ side, id, deleted: true }])
      return reply.code(204).send()
    },
  )
}

function paramsSchema(side: Side, isInteger: boolean) {
  const integer = side === 'users' ? 'an integer like 42 or u00042' : 'an integer like 42'
  const description = isInteger ? integer : `a string of 1 to ${ID_CHARS_MAX} characters`
  return Type.Object(
    { id: Type.String({ minLength: 1, maxLength: ID_CHARS_MAX, description }) },
    { additionalProperties: false },
  )
}
