import { randomUUID } from 'node:crypto'
import type { RedisCommand, RedisConnection } from './connection.ts'

/** A field of meta that every server writes where it is missing, and nobody changes. */
export const TOKEN_FIELD = 'token'
export const FILLING_FIELD = 'filling'

/** What the server says of itself and of the database. */
export interface Look {
  refusal: Error | undefined // of a write that would have changed nothing
  isTouched: boolean // meta has been written, or the database swapped or emptied, since the last look
  meta: { token: string | null; isFilling: boolean } | Error
}

/**
 * Looks at the database by its hash `meta`. In a database that is another one than before (SWAPDB,
 * FLUSHALL, another server), the token is another one; a database that was copied with its token is told by
 * WATCH, which Redis 6.2 and newer set off for SWAPDB.
 * @throws (rejects with) what the connection was lost for; error replies are a part of the look.
 */
export async function lookAt(connection: RedisConnection, meta: string): Promise<Look> {
  // A write that changes nothing reaches neither replicas nor the append-only file, and yet is refused like
  // any other. What comes between EXEC and WATCH, the token tells.
  const commands: RedisCommand[] = [
    ['HSETNX', meta, TOKEN_FIELD, randomUUID()],
    ['MULTI'],
    ['EXEC'],
    ['WATCH', meta],
    ['HMGET', meta, TOKEN_FIELD, FILLING_FIELD],
  ]
  const replies = await Promise.allSettled(commands.map((command) => connection.send(command)))
  const [write, , exec, , fields] = replies.map((reply): unknown => {
    if (reply.status === 'fulfilled') return reply.value
    if (connection.isErrorReply(reply.reason)) return reply.reason
    throw reply.reason
  })
  return {
    refusal: write instanceof Error ? write : undefined,
    isTouched: exec === null,
    meta: fields instanceof Error ? fields : metaOf(fields as (string | null)[]),
  }
}

function metaOf([token, filling]: (string | null)[]) {
  return { token, isFilling: filling !== null }
}
