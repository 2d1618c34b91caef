/** How the end of a response's body is found. */
export type Framing = 'length' | 'chunked' | 'close'

/** What a load generator needs of a response's head. */
export interface ResponseHead {
  status: number
  framing: Framing
  bodyBytes: number // with framing 'length'
  keepsAlive: boolean
  keepAliveMs: number // how long an idle connection is kept; Infinity: not said
}

const BODY_BYTES_MAX = 256 * 2 ** 20

/**
 * The head of an HTTP/1 response: its lines without the empty one at the end. Returns what is wrong with it
 * instead where it is none.
 */
export function parseResponseHead(text: string): ResponseHead | string {
  const firstEnd = endOfLine(text, 0)
  const start = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/.exec(text.slice(0, firstEnd))
  if (start === null) return 'no HTTP/1 status line'
  let length: string | undefined
  let connection = ''
  let isChunked = false
  let keepAliveMs = Number.POSITIVE_INFINITY
  for (let at = firstEnd + 2; at < text.length; ) {
    const end = endOfLine(text, at)
    const colon = text.indexOf(':', at)
    const isFolded = text[at] === ' ' || text[at] === '\t'
    if (colon <= at || colon >= end || isFolded) return 'a header line without a name'
    // Four headers matter; their lengths keep the others from being cut out of the text at all.
    const nameChars = colon - at
    if (nameChars === 14 || nameChars === 10 || nameChars === 17) {
      const name = text.slice(at, colon).toLowerCase()
      const value = text.slice(colon + 1, end).trim()
      if (name === 'content-length') {
        if (!/^\d{1,15}$/.test(value) || (length !== undefined && length !== value))
          return 'a wrong content-length'
        length = value
      } else if (name === 'connection') connection += `,${value.toLowerCase()}`
      else if (name === 'keep-alive') keepAliveMs = keepAliveOf(value)
      else if (name === 'transfer-encoding') {
        if (value.toLowerCase() !== 'chunked') return 'a transfer-encoding other than chunked'
        isChunked = true
      }
    }
    at = end + 2
  }
  if (Number(length) > BODY_BYTES_MAX) return 'a body over 256 MiB'
  const status = Number(start[2])
  const isEmpty = status < 200 || status === 204 || status === 304
  const framing = isEmpty || (!isChunked && length !== undefined) ? 'length' : isChunked ? 'chunked' : 'close'
  const options = new Set(connection.split(',').map((option) => option.trim()))
  const keepsAlive =
    framing !== 'close' && (start[1] === '1' ? !options.has('close') : options.has('keep-alive'))
  return { status, framing, bodyBytes: isEmpty ? 0 : Number(length ?? 0), keepsAlive, keepAliveMs }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from)
  return end === -1 ? text.length : end
}

function keepAliveOf(value: string): number {
  const seconds = /\btimeout=(\d{1,9})/i.exec(value)
  return seconds === null ? Number.POSITIVE_INFINITY : Number(seconds[1]) * 1000
}
