import { Type } from '../../schema.ts'
import { PROBLEM_MEDIA_TYPE, PROBLEMS, type ProblemCode } from './problems.ts'

const PROBLEM_REF = '#/components/schemas/Problem'

/** The body of every problem, as the documentation shows it: its component `Problem`. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'urn:nearrank:problem: and the code in lower case' }),
    title: Type.String({ description: 'what the code means' }),
    status: Type.Integer({ description: 'the HTTP status' }),
    detail: Type.String({ description: 'what could not be done, what was needed and what was found' }),
    code: Type.Enum(Object.keys(PROBLEMS) as ProblemCode[], { description: 'for programs' }),
  },
  { additionalProperties: false },
)

/** The responses of a route that are problems, by status, for its schema. */
export function problemResponses(...codes: ProblemCode[]): Record<string, object> {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status)
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, alike = []]) => [
      status,
      {
        description: alike.map((code) => `${code}: ${PROBLEMS[code].title}.`).join(' '),
        content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: PROBLEM_REF } } },
      },
    ]),
  )
}

/** A successful response with a body, for a route's schema. */
export function jsonResponse(description: string, schema: object): object {
  return { description, content: { 'application/json': { schema } } }
}

/** A successful response without a body. */
export function emptyResponse(description: string): object {
  return { description, type: 'null' }
}
