import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import { type Side, SIDES, SINGULAR } from '../../features/featureSpec.ts'
import { shown } from '../../shown.ts'
import { READ_ROWS_MAX } from '../limits.ts'
import { Problem } from '../problems/problems.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import { readId } from '../readId.ts'
import type { FeatureService } from '../services.ts'
import { idParam } from './idParam.ts'
import { rowJson, sideBodies } from './featureBodies.ts'

const CLOSED = { additionalProperties: false }

/** A query of these routes, as its parameters were given. */
type Query = Record<string, string | string[] | undefined>

/** `GET /users` and `GET /restaurants`: several rows at once, those of given ids or random ones. */
export function manyRowsRoutes(app: FastifyInstance, features: FeatureService): void {
  for (const side of SIDES) addRoute(app, side, features)
}

function addRoute(app: FastifyInstance, side: Side, features: FeatureService): void {
  const name = SINGULAR[side]
  const ids = idParam(features.layout[side].ids, name)
  app.get<{ Querystring: Query }>(
    `/${side}`,
    {
      config: { right: 'read' },
      validatorCompiler: () => (value) => ({ value }), // checked by hand: a parameter may be one or several
      schema: {
        operationId: `get_${side}`,
        summary: `Several ${side} at once`,
        description: `Either those of the given ids, in their order and without those that do not exist, or a random sample.`,
        tags: ['Features'],
        querystring: Type.Object(
          {
            id: Type.Optional(Type.Array(ids, { maxItems: READ_ROWS_MAX, description: 'May be repeated' })),
            sample: Type.Optional(
              Type.Integer({ minimum: 1, maximum: READ_ROWS_MAX, description: 'How many random rows' }),
            ),
          },
          CLOSED,
        ),
        response: {
          200: jsonResponse(
            'The rows.',
            Type.Object({ [side]: Type.Array(sideBodies(side, features).answer) }, CLOSED),
          ),
          ...problemResponses('BAD_QUERY', 'BAD_ID', 'INTERNAL'),
        },
      },
    },
    async ({ query, url }, reply) => {
      const asked = readQuery(query, side)
      if ('ids' in asked) checkEncoding(url, side)
      const found =
        'sample' in asked
          ? features.sample(side, asked.sample)
          : asked.ids.flatMap((id) => features.read(side, readId(id, side, features.layout[side].ids)) ?? [])
      return reply.type('application/json').send(`{"${side}":[${found.map(rowJson).join(',')}]}`)
    },
  )
}

/** @throws Problem BAD_QUERY */
function readQuery(query: Query, side: Side): { ids: string[] } | { sample: number } {
  const wrong = (problem: string) => new Problem('BAD_QUERY', `Cannot get ${side}: ${problem}`)
  const { id, sample, ...others } = query
  const [other] = Object.keys(others)
  if (other !== undefined) throw wrong(`the query takes id and sample, found ${shown(other)}`)
  if ((id === undefined) === (sample === undefined))
    throw wrong(`the query must have either id or sample, found ${id === undefined ? 'neither' : 'both'}`)
  if (sample === undefined) {
    const ids = [id ?? []].flat()
    if (ids.length <= READ_ROWS_MAX) return { ids }
    throw wrong(`id may be repeated ${READ_ROWS_MAX} times, found ${ids.length}`)
  }
  const count = /^\d{1,4}$/.test(String(sample)) ? Number(sample) : 0
  if (count >= 1 && count <= READ_ROWS_MAX) return { sample: count }
  throw wrong(`sample must be an integer from 1 to ${READ_ROWS_MAX}, found ${shown(sample)}`)
}

/** What cannot be decoded, Fastify takes for the id itself. @throws Problem BAD_ID */
function checkEncoding(url: string, side: Side): void {
  try {
    decodeURIComponent(url)
  } catch (error) {
    const detail = `Cannot get ${side}: the percent-encoding of the query is not valid; encode ids as UTF-8`
    throw new Problem('BAD_ID', detail, { cause: error })
  }
}
