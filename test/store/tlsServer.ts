import type { TestContext } from 'node:test'
import { freePort, redisServer, type RedisServer } from './redisServer.ts'

/** A file of `certificates/`, which `make.sh` has made. */
export const fileOf = (name: string) => new URL(`certificates/${name}`, import.meta.url).pathname
export const CA = fileOf('authority.pem')
export const CLIENT = { cert: fileOf('client.pem'), key: fileOf('client.key') }

/** A server that speaks TLS as well, with the certificate `name`. */
export async function tlsServer(
  t: TestContext,
  name: string,
  clients: string,
): Promise<RedisServer & { tls: string }> {
  const port = await freePort()
  const flags = {
    port: `${port}`,
    'ca-cert-file': CA,
    'auth-clients': clients,
    'cert-file': fileOf(`${name}.pem`),
    'key-file': fileOf(`${name}.key`),
  }
  const server = await redisServer(Object.entries(flags).flatMap(([flag, value]) => [`--tls-${flag}`, value]))
  t.after(() => server.remove())
  return { ...server, tls: `rediss://127.0.0.1:${port}` }
}
