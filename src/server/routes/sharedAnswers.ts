import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FileAnswer, FileRequest } from './sharedFile.ts'

/** Answers the paths of some shared files; undefined: the path is of something else, or of no file. */
export type SharedAnswer = (path: string, request: FileRequest) => Promise<FileAnswer | undefined>

declare module 'fastify' {
  interface FastifyInstance {
    /** What lies in shared memory and is the same for everybody. */
    sharedAnswer: SharedAnswer
  }
}

/** Makes `app.sharedAnswer` the first of `answers` that has a file. */
export function shareAnswers(app: FastifyInstance, answers: readonly SharedAnswer[]): void {
  app.decorate('sharedAnswer', async (path, request) => {
    for (const answer of answers) {
      const found = await answer(path, request)
      if (found) return found
    }
    return undefined
  })
}

/** The handler of a route whose answers are shared files. */
export async function sendShared(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const [path] = request.url.split('?', 1)
  const shared = await request.server.sharedAnswer(path, request.headers)
  if (!shared) {
    reply.callNotFound()
    return reply
  }
  const { status, headers, body } = shared
  // A copy: Fastify takes no shared memory.
  return reply.code(status).headers(headers).send(Buffer.from(body))
}
