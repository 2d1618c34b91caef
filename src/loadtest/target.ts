import { isIP } from 'node:net'
import { NearrankError } from '../errors.ts'

/** The server under test, taken apart once. */
export interface Target {
  origin: string // 'http://127.0.0.1:8080', for messages
  isTls: boolean
  host: string // without the brackets of an IPv6 address
  port: number
  hostHeader: string
  basePath: string // '' or '/prefix'
  servername: string // for TLS; '' where the host is an address
}

/**
 * The server behind `url`, which may have a path for servers behind a prefix.
 * @throws NearrankError USAGE for what is no plain http or https URL.
 */
export function parseTarget(url: string): Target {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol))
    throw wrong(url, 'it must be like http://127.0.0.1:8080')
  if (parsed.username !== '' || parsed.password !== '')
    throw wrong(parsed.origin, 'a user name and password are not sent; give an API key separately')
  if (parsed.search !== '' || parsed.hash !== '')
    throw wrong(url, 'it must end with the path, without ? and #, since /recommend/ID is appended')
  const isTls = parsed.protocol === 'https:'
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  return {
    origin: parsed.origin,
    isTls,
    host,
    port: parsed.port === '' ? (isTls ? 443 : 80) : Number(parsed.port),
    hostHeader: parsed.host,
    basePath: parsed.pathname.replace(/\/+$/, ''),
    servername: isIP(host) === 0 ? host : '',
  }
}

function wrong(url: string, problem: string): NearrankError {
  return new NearrankError('USAGE', `Cannot use the URL ${JSON.stringify(url)}: ${problem}`)
}
