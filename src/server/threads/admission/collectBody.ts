import type { IncomingMessage } from 'node:http'

/**
 * Hands over a request's whole body, or null as soon as it is known to be larger than `bytesMax`. If the
 * client breaks off, `done` is never called.
 */
export function collectBody(
  request: IncomingMessage,
  bytesMax: number,
  done: (body: Buffer | null) => void,
): void {
  if (announcedBytes(request) > bytesMax) return done(null)
  const pieces: Buffer[] = []
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    if (bytes > bytesMax) return
    bytes += piece.length
    if (bytes > bytesMax) done(null)
    else pieces.push(piece)
  })
  request.on('end', () => {
    if (bytes <= bytesMax) done(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))
  })
}

export function hasBody(request: IncomingMessage): boolean {
  return mayBeLarge(request, 0)
}

/** Whether a body may have more than `bytesMax`: it announces them, or comes in chunks. */
export function mayBeLarge(request: IncomingMessage, bytesMax: number): boolean {
  return request.headers['transfer-encoding'] !== undefined || announcedBytes(request) > bytesMax
}

/** Whether the head says that the body is not as it stands. */
export function isCompressed({ headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding']
  return encoding !== undefined && !/^(identity)?$/i.test(encoding)
}

/** 0 if the body has no announced length, or there is none. */
function announcedBytes({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0)
}
