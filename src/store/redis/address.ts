import { NearrankError } from '../../errors.ts'
import type { RedisTls } from './tlsFiles.ts'

/** Where a Redis or Valkey server is, and how to enter. */
export interface RedisAddress {
  host: string
  port: number
  tls: RedisTls | null // null: without
  database: number
  username: string | undefined
  password: string | undefined
  prefix: string // of every key
  shown: string // host:port, for messages: the URL itself may hold a password
}

const DEFAULT_PORT = 6379
const DEFAULT_PREFIX = 'nearrank:'
const PREFIX_CHARS_MAX = 100
const DATABASE_MAX = 1_000_000
const WANTED =
  'redis://[user:password@]host[:port][/database][?prefix=PREFIX], or rediss:// for TLS, with %2F, %3F, %23 and %40 for /, ?, # and @ in user and password'
const OTHER = 'something else'

/**
 * The parts of `redis://user:password@host:6379/0?prefix=shop:`.
 * @throws NearrankError INPUT for anything else; the message tells neither user nor password.
 */
export function parseRedisAddress(text: string, tls: RedisTls = {}): RedisAddress {
  // Nothing of it is quoted, and the URL parser's own error, which holds the text, is no cause: a password
  // with a / or ? in it is split, and any part may be a part of it.
  if (!URL.canParse(text)) throw wrong('it must be a URL', OTHER)
  const url = new URL(text)
  if (!['redis:', 'rediss:'].includes(url.protocol)) throw wrong('its scheme must be redis or rediss', OTHER)
  if (url.hostname === '') throw wrong('it must name a host', 'none')
  if (!/^\/?\d{0,7}$/.test(url.pathname) || Number(url.pathname.slice(1)) > DATABASE_MAX)
    throw wrong('its path must be a database number', OTHER)
  if (url.hash !== '') throw wrong('it must not have a fragment (#)', 'one')
  for (const key of url.searchParams.keys())
    if (key !== 'prefix') throw wrong('its only parameter may be prefix', OTHER)
  const prefix = url.searchParams.get('prefix') ?? DEFAULT_PREFIX
  if (prefix.length === 0 || prefix.length > PREFIX_CHARS_MAX)
    throw wrong(`prefix must be 1 to ${PREFIX_CHARS_MAX} characters`, `${prefix.length}`)
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port)
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    tls: url.protocol === 'rediss:' ? tls : null,
    database: Number(url.pathname.slice(1)),
    username: decoded(url.username),
    password: decoded(url.password),
    prefix,
    shown: `${url.hostname}:${port}`,
  }
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    throw wrong('user and password must be percent-encoded', 'a % without two hexadecimal digits')
  }
}

function wrong(wanted: string, found: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot use the address of the Redis store: ${wanted}, found ${found}; write ${WANTED}`,
  )
}
