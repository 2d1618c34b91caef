import { createServer } from 'node:net'
import { NearrankError } from '../../errors.ts'
import { errnoOf } from '../../files.ts'

/**
 * Checks that nobody listens there yet: with `reusePort` a second server on the same port would silently take
 * half of the first one's requests. @throws NearrankError INPUT.
 */
export async function checkFree(host: string, port: number): Promise<void> {
  if (port === 0) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject).listen({ host, port, exclusive: true }, resolve)
  }).catch((error: unknown) => {
    throw cannotListen(host, port, { errno: errnoOf(error), message: String(error) })
  })
  await new Promise((resolve) => probe.close(resolve))
}

/** Why a port cannot be listened on, as one can read it. */
export function cannotListen(
  host: string,
  port: number,
  { errno, message }: { errno: string; message: string },
): NearrankError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program listens there; stop it or choose another --port',
    EACCES: 'permission is denied; choose a --port from 1024',
    EADDRNOTAVAIL: 'this machine has no such address; choose another --host',
    ENOTFOUND: 'the name is not known; choose another --host',
  }
  return new NearrankError('INPUT', `Cannot listen on ${host}:${port}: ${reasons[errno] ?? message}`)
}
