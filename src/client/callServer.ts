import { NearrankApiError } from './nearrankApiError.ts'
import { problemFields } from './problemFields.ts'
import { readText } from './readText.ts'
import { parseWire } from './wireJson.ts'

/** Where calls go to, and how long and how often they are tried. */
export interface Server {
  url: string // without a slash at the end
  headers: Record<string, string>
  timeoutMs: number
  retries: number
  answerBytesMax: number
  fetch: typeof globalThis.fetch
}

export interface Call<T> {
  action: string // what an error says could not be done
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  path: string
  body?: string
  contentType?: string
  statuses: readonly number[] // that are answers; all others are errors
  /** @throws TypeError where the answer is none of Nearrank's. */
  read(answer: Answer): T
  once?: boolean // never sent again after its connection broke, since it may have been carried out
  signal?: AbortSignal | undefined
}

export interface Answer {
  status: number
  headers: Headers
  json: unknown // undefined: no body
}

interface RawAnswer {
  status: number
  headers: Headers
  text: string
}

const BACKOFF_MS = 100 // doubles with each attempt
const RETRY_AFTER_MS_MAX = 10_000 // a server that wants to be left alone for longer is not waited for

/**
 * Makes a call, again after a broken connection and after 503 with `Retry-After`: at most `server.retries`
 * times, with random, doubling waits between. A timeout is final: the server may be at its limit already.
 * @throws NearrankApiError; the reason of `call.signal` where it fires.
 */
export async function callServer<T>(server: Server, call: Call<T>): Promise<T> {
  for (let attempt = 0; ; attempt++)
    try {
      return readAnswer(await exchange(server, call), call)
    } catch (error) {
      if (attempt >= server.retries || !isPassing(error, call.once === true)) throw error
      await sleep((error.retryAfterMs ?? 0) + Math.random() * BACKOFF_MS * 2 ** attempt, call.signal)
    }
}

function isPassing(error: unknown, once: boolean): error is NearrankApiError {
  if (!(error instanceof NearrankApiError)) return false
  if (error.status === 503) return error.retryAfterMs !== null && error.retryAfterMs <= RETRY_AFTER_MS_MAX
  return error.code === 'UNREACHABLE' && !once
}

async function exchange(server: Server, call: Call<unknown>): Promise<RawAnswer> {
  const { action, method, path, body, contentType = 'application/json', signal } = call
  const { fetch, timeoutMs, headers, answerBytesMax } = server
  signal?.throwIfAborted()
  // Timer and listener go with the call; those of AbortSignal.timeout and .any would stay for as long as the
  // timeout is.
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, timeoutMs)
  signal?.addEventListener('abort', abort)
  try {
    const response = await fetch(server.url + path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': contentType },
      body: body ?? null,
      redirect: 'manual', // a POST that is redirected would become a GET
      signal: controller.signal,
    })
    const text = await readText(response.body, answerBytesMax)
    if (text === undefined) throw tooLarge(action, response.status, answerBytesMax)
    return { status: response.status, headers: response.headers, text }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof NearrankApiError) throw error
    throw unanswered(action, error, controller.signal.aborted ? timeoutMs : null)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

function tooLarge(action: string, status: number, bytesMax: number): NearrankApiError {
  const title = `the answer must have at most ${bytesMax} bytes, found more`
  const detail = 'ask for less, or give the client a larger answerBytesMax'
  return new NearrankApiError(action, { status, code: 'ANSWER_TOO_LARGE', title, detail })
}

function unanswered(action: string, cause: unknown, timeoutMs: number | null): NearrankApiError {
  const fields =
    timeoutMs === null
      ? { code: 'UNREACHABLE', title: 'the connection failed', detail: reasonOf(cause) }
      : { code: 'TIMEOUT', title: `no complete answer within ${timeoutMs} ms`, detail: '' }
  return new NearrankApiError(action, { status: 0, ...fields }, { cause })
}

/** Why `fetch` failed: Node hides it in the cause, browsers say no more than that it did. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}

function readAnswer<T>({ status, headers, text }: RawAnswer, call: Call<T>): T {
  if (!call.statuses.includes(status) && (status < 200 || status >= 300))
    throw new NearrankApiError(call.action, problemFields(status, headers, text))
  try {
    if (!call.statuses.includes(status)) throw new TypeError(`expected ${call.statuses.join(' or ')}`)
    return call.read({ status, headers, json: text === '' ? undefined : parseWire(text) })
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    const title = `the answer with status ${status} is not one of Nearrank's`
    throw new NearrankApiError(call.action, { status, code: 'BAD_ANSWER', title, detail }, { cause })
  }
}

/** Resolves after `ms`. @throws the reason of `signal` as soon as it fires. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    const abort = () => {
      clearTimeout(timer)
      // oxlint-disable-next-line prefer-promise-reject-errors -- as fetch does
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}
