import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import type { LastProblems } from '../problems/lastProblems.ts'
import { type ProblemCode, PROBLEMS } from '../problems/problems.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'

const Answer = Type.Object(
  {
    problems: Type.Array(
      Type.Object(
        {
          code: Type.Enum(Object.keys(PROBLEMS) as ProblemCode[]),
          status: Type.Integer({ minimum: 400, maximum: 599 }),
          title: Type.String(),
          count: Type.Integer({ minimum: 1, description: 'How many there were since the start' }),
          last_at: Type.String({ description: 'When the last one was, ISO 8601' }),
          last_detail: Type.String({ description: 'What its client was told' }),
        },
        { additionalProperties: false },
      ),
      { description: 'One of each kind, the newest first' },
    ),
  },
  { additionalProperties: false },
)

/** `GET /problems`. */
export function lastProblemsRoute(app: FastifyInstance, problems: LastProblems): void {
  app.get(
    '/problems',
    {
      config: { right: 'admin' },
      schema: {
        operationId: 'get_problems',
        summary: 'The last problem of each kind that requests were answered with',
        description: 'Since the start of the server. The newest second may be missing.',
        tags: ['Health'],
        response: { 200: jsonResponse('The problems.', Answer), ...problemResponses('INTERNAL') },
      },
    },
    async () => ({
      problems: problems.newestFirst().map(({ code, count, at, detail }) => ({
        code,
        status: PROBLEMS[code].status,
        title: PROBLEMS[code].title,
        count,
        last_at: new Date(at).toISOString(),
        last_detail: detail,
      })),
    }),
  )
}
