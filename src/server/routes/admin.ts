import type { FastifyInstance } from 'fastify'
import { Type } from '../../schema.ts'
import { messageOf, NearrankError } from '../../errors.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { jsonResponse, problemResponses } from '../problems/responses.ts'
import type { ModelService, ServedModel } from '../services.ts'

const CHANGE_PROBLEMS: ProblemCode[] = [
  ...(['BAD_JSON', 'BAD_BODY', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const),
  ...(['RELOAD_RUNNING', 'MODEL_REJECTED', 'INTERNAL'] as const),
]

/** A model that is served, as answers show it. */
export const ServedModelSchema = Type.Object(
  {
    version: Type.Integer({
      minimum: 1,
      description: '1 at the start of the server, one more after each change',
    }),
    path: Type.String(),
    checksum: Type.String({ description: 'SHA-256 of the weights' }),
    created_at: Type.String({ description: 'ISO 8601' }),
    loaded_at: Type.String({ description: 'ISO 8601' }),
  },
  { additionalProperties: false },
)

export function servedModelJson({ version, path, checksum, createdAt, loadedAt }: ServedModel) {
  return { version, path, checksum, created_at: createdAt, loaded_at: loadedAt }
}

/** `/admin/model`, `/admin/reload` and `/admin/rollback`. */
export function adminRoutes(app: FastifyInstance, models: ModelService): void {
  const tags = ['Model']
  const config = { right: 'admin' } as const
  const done = { 200: jsonResponse('The current model.', ServedModelSchema) }

  app.get(
    '/admin/model',
    {
      config,
      schema: {
        operationId: 'get_model',
        summary: 'Describe the current model',
        tags,
        response: { ...done, ...problemResponses('INTERNAL') },
      },
    },
    async () => servedModelJson(models.current()),
  )
  app.post(
    '/admin/reload',
    {
      config,
      schema: {
        operationId: 'reload_model',
        summary: 'Load the model folder again',
        description:
          'The new model is loaded, warmed and checked while the old one is served, then swapped in between two requests. Takes no body.',
        tags,
        response: {
          ...done,
          ...problemResponses(...CHANGE_PROBLEMS),
        },
      },
    },
    async ({ body }) => {
      refuseBody(body)
      return servedModelJson(
        await models.reload().catch((error: unknown) => {
          throw changeProblem(error, 'RELOAD_RUNNING')
        }),
      )
    },
  )
  app.post(
    '/admin/rollback',
    {
      config,
      schema: {
        operationId: 'rollback_model',
        summary: 'Return to the previous model',
        description: 'Takes no body.',
        tags,
        response: {
          ...done,
          ...problemResponses('NO_PREVIOUS_MODEL', ...CHANGE_PROBLEMS),
        },
      },
    },
    async ({ body }) => {
      refuseBody(body)
      return servedModelJson(
        await models.rollback().catch((error: unknown) => {
          throw changeProblem(error, 'NO_PREVIOUS_MODEL')
        }),
      )
    },
  )
}

function refuseBody(body: unknown): void {
  const isEmpty =
    body === undefined ||
    (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0)
  if (!isEmpty) throw new Problem('BAD_BODY', 'Cannot use the body: it must be empty or {}')
}

/** What went wrong in a change of the model; `conflict` is what a CONFLICT means there. */
function changeProblem(error: unknown, conflict: ProblemCode): unknown {
  if (!(error instanceof NearrankError)) return error
  const codes: Partial<Record<NearrankError['code'], ProblemCode>> = {
    INPUT: 'MODEL_REJECTED',
    DAMAGED: 'MODEL_REJECTED',
    NOT_FINITE: 'MODEL_REJECTED',
    MEMORY: 'MODEL_REJECTED',
    CONFLICT: conflict,
  }
  const code = codes[error.code]
  return code === undefined ? error : new Problem(code, messageOf(error), { cause: error })
}
