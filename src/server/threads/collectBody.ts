import type { IncomingMessage } from 'node:http'

/** Hands over a request's whole body; null as soon as it is known to be larger than `bytesMax`. Never, where the client breaks off. */
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

/** Whether a request's body is not worth reading to its end, once it is known that nobody wants it: it is large, or may be. */
export function mayBeLarge(request: IncomingMessage, bytesMax: number): boolean {
  return request.headers['transfer-encoding'] !== undefined || announcedBytes(request) > bytesMax
}

/** 0 where the body has no announced length, or there is none. */
function announcedBytes({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0)
}
