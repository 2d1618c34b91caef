import type { IncomingMessage } from 'node:http'
import { Problem } from '../../problems/problems.ts'
import { isLoopback } from '../../loopback.ts'

const CHANGES_NOTHING = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

const CROSS_SITE = new Problem(
  'CROSS_SITE',
  'Cannot change anything for a page of another site; allow its origin with --cors-origin, or send it from a page of this server',
)
const UNKNOWN_HOST = new Problem(
  'UNKNOWN_HOST',
  'Cannot answer: the header Host must be a name of this machine, or one that --allowed-hosts gives',
)

/**
 * What protects a server without API keys from pages in its users' browsers: any page may send requests to
 * any address, though it cannot read the answers; and a page whose name leads to this machine (DNS rebinding)
 * can. Keys protect better: no page has them, and no browser adds them.
 */
export class SiteGuard {
  readonly #allowed: ReadonlySet<string> | null // names of hosts; null: all
  readonly #origins: ReadonlySet<string>
  #lastHost: string | undefined // the last one that was let in

  /**
   * `host`: the address that the server listens on. `allowedHosts`: names beside those of this machine.
   * `origins`: whose pages may change everything.
   */
  constructor(host: string, allowedHosts: readonly string[], origins: readonly string[] = []) {
    this.#allowed = isLoopback(host)
      ? new Set([host, ...allowedHosts].map((name) => name.toLowerCase()))
      : null
    this.#origins = new Set(origins)
  }

  /** Why a request is not answered; undefined: it is. `ranks`: it changes nothing, whatever its method. */
  refusal(request: IncomingMessage, ranks: boolean): Problem | undefined {
    if (!this.#knows(request.headers.host)) return UNKNOWN_HOST
    return !ranks && isCrossSite(request) && !this.#allows(request) ? CROSS_SITE : undefined
  }

  #allows({ headers: { origin } }: IncomingMessage): boolean {
    return origin !== undefined && this.#origins.has(origin)
  }

  #knows(host: string | undefined): boolean {
    // Every browser sends one.
    if (this.#allowed === null || host === undefined || host === this.#lastHost) return true
    const name = host.toLowerCase().replace(/:\d*$/, '')
    const isKnown = isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || this.#allowed.has(name)
    if (isKnown) this.#lastHost = host
    return isKnown
  }
}

/** Whether a browser sends a change for a page of another site. */
function isCrossSite({ method = 'GET', headers }: IncomingMessage): boolean {
  if (CHANGES_NOTHING.has(method)) return false
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  // Browsers say where a page is from, but not of pages without TLS what that is to the server. Proxies may
  // put another Host; no page can add this header.
  const { origin, host, 'x-forwarded-host': forwarded } = headers
  if (origin === undefined) return false
  const from = URL.parse(origin)?.host
  return from === undefined || (from !== host?.toLowerCase() && from !== String(forwarded).toLowerCase())
}
