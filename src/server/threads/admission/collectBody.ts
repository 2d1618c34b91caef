import type { IncomingMessage } from 'node:http'
import type { Problem } from '../../problems/problems.ts'
import type { BodyBytes } from './bodyBytes.ts'
import { BODIES_ARRIVING, TOO_LARGE } from './refusals.ts'

const PIECE_BYTES = 256 // of memory beside its bytes, at least: what comes byte by byte takes most

/**
 * Hands over a request's whole body, or a problem as soon as it is known to be larger than `bytesMax`, or
 * there is no room for it. If the client breaks off, `done` is never called.
 */
export function collectBody(
  request: IncomingMessage,
  { bytesMax, held }: { bytesMax: number; held: BodyBytes },
  done: (body: Buffer | Problem) => void,
): void {
  const announced = announcedBytes(request)
  if (announced > bytesMax) return done(TOO_LARGE)
  let pieces: Buffer[] = []
  let bytes = 0
  let isGivenUp = false
  const arriving = { heldBytes: 0, giveUp: () => giveUp(BODIES_ARRIVING) }
  const giveUp = (problem: Problem): void => {
    isGivenUp = true
    pieces = []
    held.done(arriving)
    done(problem)
  }
  request.on('data', (piece: Buffer) => {
    if (isGivenUp) return
    bytes += piece.length
    if (bytes > bytesMax) return giveUp(TOO_LARGE)
    pieces.push(piece)
    // Most come in one piece, which nothing has to be counted for.
    if (piece.length === announced) return
    if (pieces.length === 1) request.once('close', () => held.done(arriving))
    held.grow(arriving, piece.length + PIECE_BYTES)
  })
  request.on('end', () => {
    if (isGivenUp) return
    held.done(arriving)
    done(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))
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
