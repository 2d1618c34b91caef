import { createHash } from 'node:crypto'

/** A file that every client gets alike. */
export interface SharedFile {
  etag: string
  headers: Readonly<Record<string, string>> // with its type; they override those that all files have
  bytes: Uint8Array // on shared memory: posting it to a thread, and writing it to a socket, copies nothing
}

/** A file as it is answered. */
export interface FileAnswer {
  status: 200 | 304
  headers: Record<string, string>
  body: Uint8Array // shared, or empty
}

/** What a request says of the file that it wants. */
export interface FileRequest {
  'if-none-match'?: string | string[] | undefined
  'accept-encoding'?: string | string[] | undefined
}

/** Copies `content` into shared memory, once and for all. */
export function sharedFile(
  content: Uint8Array,
  headers: { 'content-type': string } & Record<string, string>,
): SharedFile {
  const bytes = new Uint8Array(new SharedArrayBuffer(content.length))
  bytes.set(content)
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22)
  return { etag: `"${digest}"`, headers, bytes }
}

/** 304 without a body if the client has the file already. */
export function fileAnswer({ etag, headers, bytes }: SharedFile, request: FileRequest): FileAnswer {
  const isKnown = request['if-none-match']?.includes(etag) === true
  return {
    status: isKnown ? 304 : 200,
    headers: {
      etag,
      'cache-control': 'no-cache', // may be kept, but is asked for again: a new version may be installed
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: isKnown ? bytes.subarray(0, 0) : bytes,
  }
}
