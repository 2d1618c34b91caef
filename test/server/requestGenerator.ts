import * as fc from 'fast-check'
import { Random } from '../../src/random.ts'
import { CENTRE, NETWORK, RESTAURANTS, USERS } from './serverFixture.ts'

const KEYS = words(`__proto__ constructor prototype toString hasOwnProperty Latitude size_ 0`)
const NASTY = [
  ...words(`null true "" "5" [] {} -1 -0 0.5 1e15 9007199254740993 1e308 1e400 -1e400 [[]] [null]`),
  ...words(String.raw`{"a":1} {"__proto__":{}} "\ud800" "\u0000" "${'x'.repeat(300)}"`),
]
const DEEP = ['['.repeat(9000) + ']'.repeat(9000), `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`]
const TYPES = [
  ...words(`text/plain application/x-www-form-urlencoded application/json;charset=latin1 APPLICATION/JSON`),
  ...words(`application/x-ndjson multipart/form-data;boundary=x json application/jsonx */* ;`),
  '',
]
const IDS = [
  ...words(`u00042 42 -7 0 00 u x %00 %F0%9F%8D%9C 1.5 99999999999999999999 NaN 9007199254740993 1e3 %2e%2e`),
  ...words(`.. % %ZZ %C3 +1 ${'4'.repeat(300)} ${'4'.repeat(5000)}`),
]
const PATHS = [
  ...words(`/ // /recommend /recommend/ /recommend/1/2 /x /docs /openapi.json /metrics //x/y /health/live`),
  ...words(`/health/ready?x=1 /users /users/ /admin /admin/model /..;/ /%2e%2e/x * http://x/health/live`),
  ...words(
    String.raw`/docs/static/../../package.json /docs/static/%2e%2e%2fpackage.json /a\b /x/../recommend/1`,
  ),
]
const METHODS = words(`GET POST PUT DELETE PATCH OPTIONS TRACE PURGE PROPFIND QUERY`)

export interface GeneratedRequest {
  request: string // METHOD path
  body: Buffer | undefined
  headers: Record<string, string>
}

/** Requests of all kinds, valid, nearly valid and not at all, always the same ones for the same seed. */
export class RequestGenerator {
  readonly #random: Random
  readonly #json: string[]

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#json = fc.sample(fc.json({ maxDepth: 4 }), { numRuns: 2000, seed })
  }

  next(): GeneratedRequest {
    const { share, request } = this.#pick([
      { share: 0.94, request: `POST /recommend/${this.#userId()}` },
      { share: 0.94, request: `POST /recommend/${this.#userId()}` },
      { share: 0.94, request: `POST /recommend/${this.#pick(IDS)}` },
      ...(this.#chance(0.3) ? [{ share: 0.5, request: this.#otherRequest() }] : []),
    ])
    const text = this.#chance(share) ? this.#bodyFor(request) : this.#pick(this.#json)
    const body = this.#chance(0.15) ? this.#damaged(Buffer.from(text)) : Buffer.from(text)
    const isBulk = request === 'POST /features'
    const type = this.#chance(0.05) ? this.#pick(TYPES) : isBulk ? 'application/x-ndjson' : 'application/json'
    const hasBody = !/^(GET|TRACE)/.test(request) && this.#chance(0.98)
    return { request, body: hasBody ? body : undefined, headers: hasBody ? { 'content-type': type } : {} }
  }

  #otherRequest(): string {
    const side = this.#pick(['users', 'restaurants'])
    const id = this.#chance(0.7) ? String(1_000_000 + this.#integer(1000)) : this.#pick(IDS)
    return this.#pick([
      `${this.#pick(['GET', 'PUT', 'PUT', 'DELETE', 'POST'])} /${side}/${id}`,
      this.#pick(['POST /features', 'POST /features', 'POST /features?x=%', 'PUT /features']),
      `${this.#pick(METHODS)} ${this.#pick(PATHS)}`,
      `${this.#pick(METHODS)} /recommend/${id}`,
    ])
  }

  /** A body as the route wants it, most of the time with something wrong in it. */
  #bodyFor(request: string): string {
    if (request.startsWith('PUT /users')) return this.#object(this.#userFields())
    if (request.startsWith('PUT /restaurants')) return this.#object(this.#restaurantFields())
    if (!request.includes('/features')) return this.#object(this.#wishFields())
    const lines = Array.from({ length: this.#integer(4) }, () =>
      this.#chance(0.5)
        ? this.#object([['user_id', String(1_000_000 + this.#integer(1000))], ...this.#userFields()])
        : this.#object([
            ['restaurant_id', String(1_000_000 + this.#integer(1000))],
            ...this.#restaurantFields(),
          ]),
    )
    return lines.join(this.#pick(['\n', '\r\n', '\n\n', ' ']))
  }

  #object(fields: [key: string, json: string][]): string {
    const kind = this.#integer(6)
    const at = this.#integer(fields.length)
    if (kind === 0) fields[at] = [fields[at][0], this.#pick(this.#chance(0.01) ? DEEP : NASTY)]
    if (kind === 1) fields.splice(at, 1)
    if (kind === 2) fields.splice(at, 0, [this.#pick(KEYS), this.#pick(NASTY)])
    if (kind === 3) fields[at] = [fields[at][0], this.#pick(this.#json)]
    return `{${fields.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`
  }

  #wishFields(): [string, string][] {
    const ids = Array.from({ length: this.#integer(12) }, () =>
      this.#chance(0.01) ? this.#pick(NASTY) : String(this.#integer(RESTAURANTS + 10)),
    )
    const fields: [string, string][] = [
      ['latitude', String(CENTRE.latitude + this.#random.float() - 0.5)],
      ['longitude', String(CENTRE.longitude + this.#random.float() - 0.5)],
      ['candidate_restaurant_ids', `[${ids.join(',')}]`],
      ['size', String(1 + this.#integer(30))],
      ['max_dist', String(50_000 * this.#random.float())],
      ['sort_dist', this.#pick(['true', 'false'])],
    ]
    return fields.filter((_, i) => i < 2 || this.#chance(0.8))
  }

  #userFields(): [string, string][] {
    return [['features', this.#features(NETWORK.userFeatures)]]
  }

  #restaurantFields(): [string, string][] {
    const { latitude, longitude } = CENTRE
    return [
      ['features', this.#features(NETWORK.restaurantFeatures)],
      ['latitude', String(latitude)],
      ['longitude', String(longitude)],
    ]
  }

  #features(count: number): string {
    const length = this.#chance(0.9) ? count : this.#integer(60)
    const one = () => (this.#chance(0.003) ? this.#pick(NASTY) : String(this.#random.normal()))
    return `[${Array.from({ length }, one).join(',')}]`
  }

  /** Bytes changed, taken out, put in or cut off: often no UTF-8 any more. */
  #damaged(body: Buffer): Buffer {
    const at = this.#integer(body.length)
    const byte = Buffer.of(this.#integer(256))
    const kind = this.#integer(4)
    if (kind === 0) return body.subarray(0, at)
    if (kind === 1) return Buffer.concat([body.subarray(0, at), byte, body.subarray(at + 1)])
    if (kind === 2) return Buffer.concat([body.subarray(0, at), byte, body.subarray(at)])
    return Buffer.concat([body.subarray(0, at), body.subarray(at + 1 + this.#integer(20))])
  }

  #userId(): number {
    return this.#integer(USERS)
  }

  #integer(end: number): number {
    return Math.floor(end * this.#random.float())
  }

  #chance(share: number): boolean {
    return this.#random.float() < share
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#integer(items.length)]
  }
}

function words(text: string): string[] {
  return text.split(/\s+/)
}
