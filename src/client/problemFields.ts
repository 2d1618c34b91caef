import type { ApiErrorFields } from './nearrankApiError.ts'
import { parseWire } from './wireJson.ts'

const SHOWN_CHARS_MAX = 200 // of a body that is not Nearrank's: a proxy's page, say

/** What an answer that is an error says, whatever its body is. */
export function problemFields(status: number, headers: Headers, text: string): ApiErrorFields {
  // A browser tells of a redirection no more than that there was one: status 0.
  if (status === 0 || (status >= 300 && status < 400))
    return {
      status,
      code: 'REDIRECTED',
      title: 'the server redirects the request',
      detail: `use the address ${headers.get('location') ?? 'it redirects to'} as url`,
    }
  const retryAfterMs = readRetryAfterMs(headers.get('retry-after'), Date.now())
  const problem = readProblem(text)
  return {
    status,
    code: textField(problem, 'code') ?? `HTTP_${status}`,
    title: textField(problem, 'title') ?? `the server answered with status ${status}`,
    detail: textField(problem, 'detail') ?? text.slice(0, SHOWN_CHARS_MAX).trim(),
    retryAfterMs,
  }
}

/** `Retry-After`, seconds or a date, as milliseconds from `nowMs`; null: absent or unreadable. */
export function readRetryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null || value.trim() === '') return null
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

function readProblem(text: string): object {
  try {
    const json = parseWire(text)
    return typeof json === 'object' && json !== null ? json : {}
  } catch {
    return {}
  }
}

function textField(problem: object, name: string): string | undefined {
  const value: unknown = Object.hasOwn(problem, name) ? Reflect.get(problem, name) : undefined
  return typeof value === 'string' ? value : undefined
}
