import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { messageOf, NearrankError } from '../../errors.ts'
import { isMissing } from '../../files.ts'

/** Files in PEM for connections to `rediss://`. */
export interface RedisTls {
  ca?: string // of the authorities to trust, @default those that Node comes with
  cert?: string // the client's own
  key?: string // of `cert`, not encrypted
}

const FLAGS = { ca: '--redis-ca', cert: '--redis-cert', key: '--redis-key' } as const

/** @throws NearrankError USAGE if an address of `scheme` cannot use the files or one of a pair is missing. */
export function checkRedisTls(tls: RedisTls, scheme: string): void {
  const given = (['ca', 'cert', 'key'] as const).find((what) => tls[what] !== undefined)
  if (given !== undefined && scheme !== 'rediss')
    throw new NearrankError(
      'USAGE',
      `Cannot use ${FLAGS[given]}: it is for a store at rediss://HOST:PORT, found ${scheme}:`,
    )
  const alone = tls.cert === undefined ? 'key' : 'cert'
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new NearrankError(
      'USAGE',
      `Cannot use ${FLAGS[alone]}: a certificate of the client and its key belong together, found no ${alone === 'key' ? FLAGS.cert : FLAGS.key}`,
    )
}

/**
 * What the files hold. They are read for every connection: certificates are renewed while servers run.
 * @throws NearrankError INPUT for a file that cannot be read or holds something else.
 */
export async function readRedisTls({
  ca,
  cert,
  key,
}: RedisTls): Promise<Partial<Record<keyof RedisTls, Buffer>>> {
  const certificate = (bytes: Buffer) => new X509Certificate(bytes)
  const own = cert === undefined ? undefined : await read('cert', cert, certificate)
  const ownKey = key === undefined ? undefined : await read('key', key, createPrivateKey)
  if (own && ownKey && !own.parsed.checkPrivateKey(ownKey.parsed))
    throw unusable(
      'key',
      key ?? '',
      'it must be the key of the certificate in --redis-cert, found another one',
    )
  return {
    ...(ca !== undefined && { ca: (await read('ca', ca, certificate)).bytes }),
    ...(own && { cert: own.bytes }),
    ...(ownKey && { key: ownKey.bytes }),
  }
}

async function read<T>(
  what: keyof RedisTls,
  path: string,
  parse: (bytes: Buffer) => T,
): Promise<{ bytes: Buffer; parsed: T }> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw unusable(
      what,
      path,
      isMissing(error) ? 'there is no such file; check the path' : `it cannot be read: ${messageOf(error)}`,
    )
  }
  try {
    return { bytes, parsed: parse(bytes) }
  } catch {
    // The parser's own words tell nothing that helps, and a key is a secret.
    const wanted = what === 'key' ? 'a private key in PEM without a passphrase' : 'a certificate in PEM'
    throw unusable(what, path, `it must hold ${wanted}, found something else`)
  }
}

function unusable(what: keyof RedisTls, path: string, problem: string): NearrankError {
  return new NearrankError('INPUT', `Cannot use the file ${path} of ${FLAGS[what]}: ${problem}`)
}
