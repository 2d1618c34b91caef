import { type Answer, type Call, callServer, type Server } from './callServer.ts'
import { NearrankApiError } from './nearrankApiError.ts'
import {
  readModel,
  readPutFeatures,
  readReadiness,
  readRestaurant,
  readRestaurants,
  readUser,
} from './readAnswers.ts'
import { finiteValues, restaurantBody, rowBatches, userBody } from './rowBatches.ts'
import type {
  CallOptions,
  ClientOptions,
  FeatureRow,
  Features,
  FeatureValues,
  Id,
  PutFeaturesAnswer,
  Readiness,
  RecommendAnswer,
  RecommendQuery,
  RestaurantFeatures,
  ServedModel,
  StoredRestaurant,
  StoredUser,
} from './types.ts'
import { pathId, wireId } from './wireJson.ts'

export { NearrankApiError }
export type * from './types.ts'

const ANSWER_BYTES_MAX = 64 * 2 ** 20 // about a million restaurants of a list

type Request = Pick<Call<unknown>, 'action' | 'method' | 'path'> & Partial<Call<unknown>>

/**
 * The typed client of a Nearrank server, for Node 24 and newer and for browsers. All methods throw
 * NearrankApiError where a call does not succeed, TypeError for arguments that cannot be sent, and the reason
 * of their `signal` when it fires.
 */
export class NearrankClient {
  readonly #server: Server

  /** @throws TypeError for an address, key or number that cannot be used. */
  constructor(options: ClientOptions) {
    const { timeoutMs = 10_000, retries = 2, answerBytesMax = ANSWER_BYTES_MAX } = options
    const { apiKey, fetch = globalThis.fetch } = options
    checkNumber('timeoutMs', timeoutMs, 1, 2 ** 31 - 1) // the longest that setTimeout takes
    checkNumber('retries', retries, 0, 100)
    checkNumber('answerBytesMax', answerBytesMax, 1, Number.MAX_SAFE_INTEGER)
    const limits = { timeoutMs, retries, answerBytesMax }
    this.#server = { url: baseUrl(options.url), headers: baseHeaders(apiKey), ...limits, fetch }
  }

  /** The restaurants near a place in the order in which the server ranks them for the user. */
  async recommend(userId: Id, query: RecommendQuery, { signal }: CallOptions = {}): Promise<RecommendAnswer> {
    const { latitude, longitude } = query
    // What is null is left out.
    const size = query.size ?? undefined
    const maxDistM = query.maxDistM ?? undefined
    // JSON would turn NaN and infinity into null.
    for (const [name, value] of Object.entries({ latitude, longitude, size, maxDistM }))
      if (value !== undefined && !Number.isFinite(value))
        throw new TypeError(`Cannot use ${name}: it must be a finite number, found ${value}`)
    return this.#call(
      {
        action: `recommend for user ${userId}`,
        method: 'POST',
        path: `/recommend/${pathId(userId)}`,
        body: JSON.stringify({
          candidate_restaurant_ids: query.candidateRestaurantIds?.map(wireId),
          latitude,
          longitude,
          size,
          max_dist: maxDistM,
          sort_dist: query.sortByDistance ?? undefined,
          context: query.context ? finiteValues(query.context) : undefined,
          explain: query.explain ?? undefined,
        }),
        signal,
      },
      ({ json, headers }) => ({
        restaurants: readRestaurants(json),
        user: headers.get('nearrank-user') === 'average' ? 'average' : 'known',
      }),
    )
  }

  /** Puts a user in, or in the place of the one there is: durable and visible to every later call. */
  async putUser(id: Id, features: Features, options: CallOptions = {}): Promise<void> {
    return this.#put('user', id, userBody(features), options)
  }

  /**
   * The user as the server ranks with it now; undefined: there is none. `F`: what the server keeps of users,
   * `number[]` or, for a model with other features than plain numbers, `FeatureValues`.
   */
  async getUser<F extends number[] | FeatureValues = number[]>(
    id: Id,
    options: CallOptions = {},
  ): Promise<StoredUser<F> | undefined> {
    return this.#get('user', id, (json) => readUser(json) as StoredUser<F>, options)
  }

  /** Takes a user out; whether there was one. False, too, where only a repeated attempt was answered. */
  async deleteUser(id: Id, options: CallOptions = {}): Promise<boolean> {
    return this.#delete('user', id, options)
  }

  /** Puts a restaurant in, or in the place of the one there is: durable and visible to every later call. */
  async putRestaurant(id: Id, restaurant: RestaurantFeatures, options: CallOptions = {}): Promise<void> {
    return this.#put('restaurant', id, restaurantBody(restaurant), options)
  }

  /** The restaurant as the server ranks with it now; undefined: there is none. `F`: as of `getUser`. */
  async getRestaurant<F extends number[] | FeatureValues = number[]>(
    id: Id,
    options: CallOptions = {},
  ): Promise<StoredRestaurant<F> | undefined> {
    return this.#get('restaurant', id, (json) => readRestaurant(json) as StoredRestaurant<F>, options)
  }

  /**
   * Takes a restaurant out; whether there was one. False, too, where only a repeated attempt was answered.
   */
  async deleteRestaurant(id: Id, options: CallOptions = {}): Promise<boolean> {
    return this.#delete('restaurant', id, options)
  }

  /**
   * Puts many rows in and takes many out, in their order, one request of at most 500,000 characters after the
   * other. Where one fails, those before it are done and those after it are not sent; to send all again does
   * no harm.
   */
  async putFeatures(
    rows: Iterable<FeatureRow> | AsyncIterable<FeatureRow>,
    { signal }: CallOptions = {},
  ): Promise<PutFeaturesAnswer> {
    const sum = { users: 0, restaurants: 0, deleted: 0 }
    for await (const { body, rowStart, rowEnd } of rowBatches(rows)) {
      const done = await this.#call(
        {
          action: `put rows ${rowStart} to ${rowEnd - 1}`,
          method: 'POST',
          path: '/features',
          body,
          contentType: 'application/x-ndjson',
          signal,
        },
        ({ json }) => readPutFeatures(json),
      )
      sum.users += done.users
      sum.restaurants += done.restaurants
      sum.deleted += done.deleted
    }
    return sum
  }

  /** Has the server load its model folder again. Sent once: the folder may be another a second time. */
  async reload({ signal }: CallOptions = {}): Promise<ServedModel> {
    return this.#changeModel({ action: 'reload the model', path: '/admin/reload', signal })
  }

  /** Has the server go back to the model before. Sent once: a second time would be a step farther. */
  async rollback({ signal }: CallOptions = {}): Promise<ServedModel> {
    return this.#changeModel({ action: 'roll the model back', path: '/admin/rollback', signal })
  }

  /** The model that is served. */
  async model({ signal }: CallOptions = {}): Promise<ServedModel> {
    const request = { action: 'get the model', method: 'GET', path: '/admin/model', signal } as const
    return this.#call(request, ({ json }) => readModel(json))
  }

  /** Whether the server takes requests. A server that cannot be reached is an error. */
  async ready({ signal }: CallOptions = {}): Promise<Readiness> {
    const request = {
      action: 'check whether the server is ready',
      method: 'GET',
      path: '/health/ready',
    } as const
    return this.#call({ ...request, statuses: [200, 503], signal }, ({ json, status }) => ({
      ready: status === 200,
      ...readReadiness(json),
    }))
  }

  #changeModel(request: Pick<Request, 'action' | 'path' | 'signal'>): Promise<ServedModel> {
    return this.#call({ ...request, method: 'POST', once: true }, ({ json }) => readModel(json))
  }

  #put(kind: Kind, id: Id, body: object, { signal }: CallOptions): Promise<void> {
    const request = { action: `put ${kind} ${id}`, method: 'PUT', path: rowPath(kind, id) } as const
    return this.#call({ ...request, body: JSON.stringify(body), statuses: [204], signal }, () => undefined)
  }

  #get<T>(kind: Kind, id: Id, read: (json: unknown) => T, { signal }: CallOptions): Promise<T | undefined> {
    const request = { action: `get ${kind} ${id}`, method: 'GET', path: rowPath(kind, id), signal } as const
    return this.#call(request, ({ json }) => read(json)).catch((error) => ifUnknown(kind, error, undefined))
  }

  #delete(kind: Kind, id: Id, { signal }: CallOptions): Promise<boolean> {
    const request = { action: `delete ${kind} ${id}`, method: 'DELETE', path: rowPath(kind, id) } as const
    return this.#call({ ...request, statuses: [204], signal }, () => true).catch((error) =>
      ifUnknown(kind, error, false),
    )
  }

  #call<T>(request: Request, read: (answer: Answer) => T): Promise<T> {
    return callServer(this.#server, { statuses: [200], ...request, read })
  }
}

type Kind = 'user' | 'restaurant'

/** `value` where the server said that it has no such row; other errors are thrown on. */
function ifUnknown<T>(kind: Kind, error: unknown, value: T): T {
  if (error instanceof NearrankApiError && error.code === `UNKNOWN_${kind.toUpperCase()}`) return value
  throw error
}

function rowPath(kind: Kind, id: Id): string {
  return `/${kind}s/${pathId(id)}`
}

function baseUrl(text: string): string {
  const url = URL.parse(text)
  const isUsable =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === ''
  if (!isUsable)
    throw new TypeError(
      `Cannot use url: it must be like http://127.0.0.1:8080, without a user, query or fragment, found ${JSON.stringify(text)}`,
    )
  return url.href.replace(/\/+$/, '')
}

function baseHeaders(apiKey: string | undefined): Record<string, string> {
  const headers = { accept: 'application/json, application/problem+json' }
  if (apiKey === undefined) return headers
  // The key itself stays out of the message.
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new TypeError('Cannot use apiKey: it must be visible ASCII characters without spaces')
  return { ...headers, authorization: `Bearer ${apiKey}` }
}

function checkNumber(name: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum || value > maximum)
    throw new TypeError(
      `Cannot use ${name}: it must be an integer from ${minimum} to ${maximum}, found ${value}`,
    )
}
