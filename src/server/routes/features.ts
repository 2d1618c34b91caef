import type { FastifyInstance } from 'fastify'
import { type TObject, Type } from '../../schema.ts'
import { type Side, SIDES, SINGULAR } from '../../features/featureSpec.ts'
import { checkOf, validatorOf } from './bodyCheck.ts'
import { idParam } from './idParam.ts'
import { type RowBody, rowJson, type SideBodies, sideBodies } from './featureBodies.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { emptyResponse, jsonResponse, problemResponses } from '../problems/responses.ts'
import { readId } from '../readId.ts'
import type { FeatureService } from '../services.ts'

const TAGS = ['Features']
const CLOSED = { additionalProperties: false }
const UNKNOWN = { users: 'UNKNOWN_USER', restaurants: 'UNKNOWN_RESTAURANT' } as const
const UNREADABLE_BODY: ProblemCode[] = ['BAD_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
const BODY_PROBLEMS: ProblemCode[] = ['BAD_BODY', ...UNREADABLE_BODY]
const WRITE_PROBLEMS: ProblemCode[] = ['STORE_UNAVAILABLE', 'STORE_FULL', 'INTERNAL']

/** What the routes of one side share. */
interface Rows {
  side: Side
  name: 'user' | 'restaurant'
  url: string
  params: TObject
  bodies: SideBodies
  features: FeatureService
}

/** `GET`, `PUT` and `DELETE` of one row: `/users/{id}` and `/restaurants/{id}`. */
export function featureRoutes(app: FastifyInstance, features: FeatureService): void {
  for (const side of SIDES) {
    const rows = {
      side,
      name: SINGULAR[side],
      url: `/${side}/:id`,
      params: Type.Object({ id: idParam(features.layout[side].ids, SINGULAR[side]) }, CLOSED),
      bodies: sideBodies(side, features),
      features,
    }
    getRow(app, rows)
    putRow(app, rows)
    deleteRow(app, rows)
  }
}

function getRow(app: FastifyInstance, { side, name, url, params, bodies, features }: Rows): void {
  const { layout } = features
  app.get<{ Params: { id: string } }>(
    url,
    {
      config: { right: 'read' },
      schema: {
        operationId: `get_${name}`,
        summary: `The features of a ${name}`,
        description:
          'The row that the server ranks with now. Values are given back as they were put. Of a list of numbers, each is the shortest that reads back as the same 32-bit float.',
        tags: TAGS,
        params,
        response: {
          200: jsonResponse(`The ${name}.`, bodies.answer),
          ...problemResponses('BAD_ID', UNKNOWN[side], 'INTERNAL'),
        },
      },
    },
    async (request, reply) => {
      const row = features.read(side, readId(request.params.id, side, layout[side].ids))
      if (row === undefined) throw unknownRow(side, request.params.id)
      return reply.type('application/json').send(rowJson(row))
    },
  )
}

function putRow(app: FastifyInstance, { side, name, url, params, bodies, features }: Rows): void {
  const { layout } = features
  app.put<{ Params: { id: string } }>(
    url,
    {
      config: { right: 'write' },
      // The schema of the body shows it, this checks it.
      validatorCompiler: ({ httpPart }) =>
        validatorOf(httpPart === 'body' ? bodies.checkBody : checkOf(params), httpPart),
      schema: {
        operationId: `put_${name}`,
        summary: `Insert or replace a ${name}`,
        description:
          'Once the write is answered, the row is durable, and every request that begins later is ranked with it.',
        tags: TAGS,
        params,
        body: bodies.body,
        response: {
          204: emptyResponse('Done.'),
          ...problemResponses('BAD_ID', ...BODY_PROBLEMS, ...WRITE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const id = readId(request.params.id, side, layout[side].ids)
      const body = request.body as RowBody
      const problem = bodies.idProblem(id, body)
      if (problem !== undefined) throw new Problem('BAD_BODY', `Cannot use the body: ${problem}`)
      await features.write([bodies.rowOf(id, body)])
      return reply.code(204).send()
    },
  )
}

function deleteRow(app: FastifyInstance, { side, name, url, params, features }: Rows): void {
  app.delete<{ Params: { id: string } }>(
    url,
    {
      config: { right: 'write' },
      schema: {
        operationId: `delete_${name}`,
        summary: `Delete a ${name}`,
        tags: TAGS,
        params,
        response: {
          204: emptyResponse('Done.'),
          // A body is not wanted, but read if one comes.
          ...problemResponses('BAD_ID', UNKNOWN[side], ...UNREADABLE_BODY, ...WRITE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const id = readId(request.params.id, side, features.layout[side].ids)
      const isKnown = features.read(side, id) !== undefined
      // In any case: the store may have what this server cannot use, or has not seen yet.
      await features.write([{ side, id, deleted: true }])
      if (!isKnown) throw unknownRow(side, request.params.id)
      return reply.code(204).send()
    },
  )
}

function unknownRow(side: Side, id: string): Problem {
  const detail = `Cannot find the ${SINGULAR[side]}: there is none with the id ${JSON.stringify(id)}`
  return new Problem(UNKNOWN[side], detail)
}
