import type { ErrorReply } from '@redis/client'
import { NearrankError } from '../../errors.ts'
import { isIP } from 'node:net'
import { errnoOf } from '../../files.ts'
import type { RedisAddress } from './address.ts'
import { redisError } from './errors.ts'
import { readRedisTls } from './tlsFiles.ts'

/** One command, as its words. */
export type RedisCommand = (string | Buffer)[]

const CONNECT_DEADLINE_MS = 5000
const TCP_DEADLINE_MS = 4000
const PING_EVERY_MS = 1000
const UNANSWERED_TICKS_MAX = 4 // so a connection that leads nowhere is given up after 4 to 5 s

/**
 * One connection from its beginning to its end: it never reconnects by itself, so a reply always belongs
 * to the connection it was asked on, and what was in flight when it ended is rejected.
 */
export interface RedisConnection {
  /**
   * Sends one command; commands are executed and replies resolve in the order of the
   * calls. Texts in the reply are strings, or with `asBuffers` Buffers.
   * @throws (rejects with) ErrorReply where the server refuses, another error where the connection is lost.
   */
  send(command: RedisCommand, asBuffers?: boolean): Promise<unknown>
  isErrorReply(error: unknown): error is ErrorReply
  /** Resolves when the connection has ended, with the reason. */
  readonly lost: Promise<NearrankError>
  /** When the server last answered a ping, in `performance.now()`'s milliseconds. */
  heardAtMs: number
  /**
   * Keys that the server says have changed; null: all of them may have.
   * Called in order with the replies' arrival.
   */
  onInvalidate: (key: Buffer | null) => void
  /** The server has answered a ping: once a second, about. */
  onPing: () => void
  /** Ends the connection at once. */
  cut(reason: NearrankError): void
}

/**
 * Connects within 5 s, by RESP3, logged in, database selected; when `signal` aborts, the connection is cut.
 * @throws NearrankError INPUT where the package, the login or the database is
 * missing or wrong, UNAVAILABLE where there is no answer.
 */
export async function connectRedis(address: RedisAddress, signal: AbortSignal): Promise<RedisConnection> {
  const { createClient, ErrorReply, RESP_TYPES } = await redisPackage()
  const { host, port } = address
  const tls = address.tls && {
    ...(await readRedisTls(address.tls)),
    ...(isIP(host) === 0 && { servername: host }),
    tls: true as const,
  }
  const client = createClient({
    socket: {
      host,
      port,
      ...tls,
      connectTimeout: TCP_DEADLINE_MS,
      reconnectStrategy: false,
    },
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    database: address.database,
    name: 'nearrank',
    RESP: 3,
    disableOfflineQueue: true,
    emitInvalidate: true,
    maintNotifications: 'disabled',
    // The package's own deadline ends when a command is written, costs a
    // timer each, and would notice no lost reply.
    commandOptions: { timeout: 0 },
  })
  const buffers = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }
  const lost = Promise.withResolvers<NearrankError>()
  let action = 'reach'
  let isCut = false
  let heartbeat: NodeJS.Timeout | undefined
  const cut = (reason: NearrankError) => {
    isCut = true
    clearInterval(heartbeat)
    signal.removeEventListener('abort', abort)
    lost.resolve(reason) // the first reason stays
    client.destroy()
  }
  const abort = () => cut(new NearrankError('ABORTED', `The connection to ${address.shown} is closed`))
  const connection: RedisConnection = {
    send: (command, asBuffers = false) => client.sendCommand(command, asBuffers ? buffers : undefined),
    isErrorReply: (error) => error instanceof ErrorReply,
    lost: lost.promise,
    heardAtMs: performance.now(),
    onInvalidate: () => undefined,
    onPing: () => undefined,
    cut,
  }
  // Every error of the package's ends the connection; after one in the protocol a reply could be anybody's.
  client.on('error', (error: unknown) => cut(redisError(action, error, address)))
  client.on('invalidate', (key: Buffer | null) => connection.onInvalidate(key))
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()

  // A server may accept the connection and then say nothing.
  const deadline = setTimeout(() => cut(noAnswer(action, address)), CONNECT_DEADLINE_MS)
  try {
    if (!isCut) await client.connect()
  } catch (error) {
    cut(redisError(action, error, address))
  } finally {
    clearTimeout(deadline)
  }
  if (isCut) {
    client.destroy() // again: a socket that came late is not gone by the first
    throw await lost.promise
  }
  action = 'keep the connection to'
  heartbeat = setInterval(heartbeatOf(connection, address), PING_EVERY_MS)
  return connection
}

/** Pings, one at a time, and cuts a connection that leads nowhere. */
function heartbeatOf(connection: RedisConnection, address: RedisAddress): () => void {
  let isWaiting = false
  // And not milliseconds: when this process was busy or asleep, the answer may have arrived unread.
  let ticks = 0
  const onAnswer = () => {
    isWaiting = false
    connection.heardAtMs = performance.now()
    connection.onPing()
  }
  return () => {
    if (isWaiting) {
      ticks++
      if (ticks >= UNANSWERED_TICKS_MAX) connection.cut(noAnswer('keep the connection to', address))
      return
    }
    isWaiting = true
    ticks = 0
    connection.send(['PING']).then(onAnswer, (error: unknown) => {
      if (connection.isErrorReply(error)) onAnswer()
    })
  }
}

function noAnswer(action: string, address: RedisAddress): NearrankError {
  return redisError(action, Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }), address)
}

async function redisPackage() {
  try {
    return await import('@redis/client')
  } catch (error) {
    if (errnoOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new NearrankError(
      'INPUT',
      'Cannot use a Redis store: the package @redis/client is not installed; npm install @redis/client',
    )
  }
}
