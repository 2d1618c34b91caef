import { type Answer, callServer, type Server } from '../../client/callServer.ts'
import { NearrankApiError } from '../../client/nearrankApiError.ts'
import { NearrankClient } from '../../client/nearrankClient.ts'
import { problemFields } from '../../client/problemFields.ts'

const TIMEOUT_MS = 15_000
const CHANGE_TIMEOUT_MS = 10 * 60_000 // a model that is loaded encodes all rows anew
const RETRIES = 1
const ANSWER_BYTES_MAX = 16 * 2 ** 20

export interface ConsoleApiOptions {
  root: string // of the server, without a slash at the end
  key: string | null
  onUnknownKey: () => void // the server has answered 401
}

export interface ReadOptions {
  action: string // what an error says could not be done
  path: string // with its query
  signal?: AbortSignal | undefined
}

/** The server as the console calls it: the typed client, and what only the console asks for. */
export class ConsoleApi {
  readonly root: string
  readonly hasKey: boolean
  readonly client: NearrankClient
  readonly modelChanger: NearrankClient // the same, for calls that may take minutes
  readonly #server: Server

  constructor({ root, key, onUnknownKey }: ConsoleApiOptions) {
    const watched = async (...call: Parameters<typeof fetch>): Promise<Response> => {
      const response = await fetch(...call)
      if (response.status === 401) onUnknownKey()
      return response
    }
    const limits = { timeoutMs: TIMEOUT_MS, retries: RETRIES, answerBytesMax: ANSWER_BYTES_MAX }
    this.root = root
    this.hasKey = key !== null
    const options = { url: root, ...(key !== null && { apiKey: key }), ...limits, fetch: watched }
    this.client = new NearrankClient(options)
    this.modelChanger = new NearrankClient({ ...options, timeoutMs: CHANGE_TIMEOUT_MS })
    const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
    this.#server = { url: root, headers, ...limits, fetch: watched }
  }

  /**
   * Gets JSON; integers beyond ±(2^53 − 1) become bigints. @throws NearrankApiError, also if `read` throws
   * TypeError.
   */
  getJson<T>({ action, path, signal }: ReadOptions, read: (answer: Answer) => T): Promise<T> {
    return callServer(this.#server, { action, method: 'GET', path, statuses: [200], read, signal })
  }

  /** Gets a text as it is. @throws NearrankApiError */
  async getText({ action, path, signal }: ReadOptions): Promise<string> {
    const { url, headers } = this.#server
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await this.#server.fetch(url + path, {
        headers,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      })
      const text = await response.text()
      if (response.ok) return text
      throw new NearrankApiError(action, problemFields(response.status, response.headers, text))
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof NearrankApiError) throw cause
      const detail = cause instanceof Error ? cause.message : String(cause)
      const title = 'the connection failed'
      throw new NearrankApiError(action, { status: 0, code: 'UNREACHABLE', title, detail }, { cause })
    }
  }
}
