export interface ApiErrorFields {
  status: number // of the HTTP answer; 0: none came
  code: string
  title: string
  detail: string
  retryAfterMs?: number | null
}

/**
 * A call that did not succeed. `code` is the server's own where it gave one (`application/problem+json`),
 * otherwise `HTTP_502` and the like; UNREACHABLE: no connection, or it broke; TIMEOUT; BAD_ANSWER: an answer
 * that is none of Nearrank's; ANSWER_TOO_LARGE.
 */
export class NearrankApiError extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly retryAfterMs: number | null // what the server asked for; null: it did not

  constructor(action: string, fields: ApiErrorFields, options?: ErrorOptions) {
    const { status, code, title, detail, retryAfterMs = null } = fields
    super(`Cannot ${action}: ${title}${detail === '' ? '' : `: ${detail}`} (${code})`, options)
    this.name = 'NearrankApiError'
    this.status = status
    this.code = code
    this.title = title
    this.detail = detail
    this.retryAfterMs = retryAfterMs
  }
}
