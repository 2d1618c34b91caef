import { createHash } from 'node:crypto'

/** A file that every client gets alike. */
export interface SharedFile {
  type: string // Content-Type
  etag: string
  bytes: Uint8Array // on shared memory: posting it to a thread, and writing it to a socket, copies nothing
}

/** A file as it is answered. */
export interface FileAnswer {
  status: 200 | 304
  headers: Record<string, string>
  body: Uint8Array // shared, or empty
}

/** Copies `content` into shared memory, once and for all. */
export function sharedFile(content: Uint8Array, type: string): SharedFile {
  const bytes = new Uint8Array(new SharedArrayBuffer(content.length))
  bytes.set(content)
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22)
  return { type, etag: `"${digest}"`, bytes }
}

/** 304 without a body if the client has the file already. */
export function fileAnswer({ type, etag, bytes }: SharedFile, ifNoneMatch: string | undefined): FileAnswer {
  const headers = {
    'content-type': type,
    etag,
    'cache-control': 'no-cache', // may be kept, but is asked for again: a new version may be installed
    'x-content-type-options': 'nosniff',
  }
  const isKnown = ifNoneMatch?.includes(etag) === true
  return { status: isKnown ? 304 : 200, headers, body: isKnown ? bytes.subarray(0, 0) : bytes }
}
