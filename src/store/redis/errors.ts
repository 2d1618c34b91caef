import { errnoOf } from '../../files.ts'
import { type ErrorCode, messageOf, NearrankError } from '../../errors.ts'
import type { RedisAddress } from './address.ts'

type Reason = [code: ErrorCode, sentence: string]

const MESSAGE_CHARS_MAX = 200

// Keyed by the first word of an error reply.
const REPLIES: Record<string, Reason> = {
  OOM: [
    'UNAVAILABLE',
    'its memory limit (maxmemory) is reached; raise maxmemory, or delete what is not needed',
  ],
  MISCONF: ['DISK', 'it cannot save to its own disk, so it refuses writes; see its log'],
  READONLY: ['UNAVAILABLE', 'it is a read-only replica; the address must lead to the primary'],
  MASTERDOWN: ['UNAVAILABLE', 'it is a replica that has lost its primary; try again later'],
  NOREPLICAS: [
    'UNAVAILABLE',
    'it has fewer replicas than it needs to accept writes (min-replicas-to-write); try again later',
  ],
  LOADING: ['UNAVAILABLE', 'it is still loading its data from disk; try again in a moment'],
  BUSY: ['UNAVAILABLE', 'it is busy running a script; try again later'],
  NOAUTH: [
    'INPUT',
    'it requires a password; put it into NEARRANK_REDIS_PASSWORD, or into the URL: redis://:PASSWORD@host',
  ],
  WRONGPASS: [
    'INPUT',
    'it refuses the user name or the password; correct them in the URL or in NEARRANK_REDIS_PASSWORD',
  ],
  NOPERM: [
    'INPUT',
    'its access rules do not allow this user everything that is needed; allow the hash, scan, multi and client tracking commands on the keys of the prefix',
  ],
  DENIED: [
    'INPUT',
    'it is in protected mode and refuses other machines; give it a password or a bind address',
  ],
  NOPROTO: ['INPUT', 'it does not speak RESP3; use Redis 6 or newer, or Valkey'],
  MOVED: ['INPUT', 'it is one node of a cluster, and all keys must be on one server; use a single server'],
  CLUSTERDOWN: [
    'INPUT',
    'it is a node of a cluster, and all keys must be on one server; use a single server',
  ],
  WRONGTYPE: ['CONFLICT', 'a key holds something other than a hash; delete that key, or use another prefix'],
}

/** The server answers, and what it answers makes it no use. */
export class RedisRefusal extends NearrankError {
  readonly reason: string // a part of a sentence that anybody may read

  constructor(code: ErrorCode, message: string, reason: string) {
    super(code, message)
    this.reason = reason
  }
}

const CLOSED = 'it closed the connection'

const FAILURES: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there; start the server, or correct the address',
  ENOTFOUND: 'there is no such host; correct the address',
  EAI_AGAIN: 'the host name cannot be looked up at the moment; check the network',
  ETIMEDOUT: 'it does not answer; check the address and the network',
  EHOSTUNREACH: 'there is no route to the host; check the network',
  ENETUNREACH: 'there is no route to the host; check the network',
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
}

const UNTRUSTED =
  'its certificate is not signed by an authority that is trusted here; give that authority with --redis-ca FILE'
const UNREADABLE_TLS = 'it does not speak TLS there; use its TLS port, or redis:// without TLS'

const TLS_FAILURES: Record<string, string> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for other names than the host of the address; use a name that the certificate has',
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clocks',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'it requires a certificate of the client; give one with --redis-cert FILE and --redis-key FILE',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA:
    'it does not trust the certificate of the client; give another one with --redis-cert FILE',
  ERR_SSL_WRONG_VERSION_NUMBER: UNREADABLE_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: UNREADABLE_TLS,
}

/**
 * Why the server refuses every write, as a part of a sentence in which nothing of the server's own words is
 * quoted; undefined: it is the row's fault.
 */
export function refusalOf(reply: Error): { reason: string; isForGood: boolean } | undefined {
  const [code, sentence] = replyOf(reply.message) ?? ['UNAVAILABLE', 'see the log']
  if (code === 'CONFLICT') return undefined
  return { reason: sentence, isForGood: code === 'INPUT' }
}

/**
 * What went wrong with a server, as one to read:
 * `Cannot <action> the Redis server at host:port: <reason>; <what to do>`. No cause is kept and nothing of
 * the user's name or password is told: servers repeat in some errors what they were sent.
 */
export function redisError(action: string, error: unknown, address: RedisAddress): NearrankError {
  if (error instanceof NearrankError) return error
  const [code, sentence] = reasonOf(error, address)
  // A port for TLS hangs up on whoever speaks without.
  const advice =
    sentence === CLOSED && action === 'reach' && !address.tls ? '; if it requires TLS, use rediss://' : ''
  const message = `Cannot ${action} the Redis server at ${address.shown}: ${sentence}${advice}`
  const isReply = sentence === replyOf(messageOf(error))?.[1]
  return isReply ? new RedisRefusal(code, message, sentence) : new NearrankError(code, message)
}

function reasonOf(error: unknown, address: RedisAddress): Reason {
  const failure = FAILURES[errnoOf(error)]
  if (failure !== undefined) return ['UNAVAILABLE', failure]
  const tlsFailure = TLS_FAILURES[errnoOf(error)]
  if (tlsFailure !== undefined) return ['INPUT', tlsFailure]
  const message = messageOf(error)
  const reply = replyOf(message)
  if (reply !== undefined) return reply
  if (/socket closed/i.test(message)) return ['UNAVAILABLE', CLOSED]
  if (/connection timeout/i.test(message))
    return ['UNAVAILABLE', address.tls ? 'it does not answer to TLS; use its TLS port' : FAILURES.ETIMEDOUT]
  if (/^(?:disconnects client|the client is )/i.test(message))
    return ['UNAVAILABLE', 'the connection was lost']
  if (/DB index/i.test(message))
    return ['INPUT', `it has no database ${address.database}; correct the number at the end of the URL`]
  if (/unknown command/i.test(message))
    return ['INPUT', 'it does not know a command that is needed; use Redis 6 or newer, or Valkey']
  return ['UNAVAILABLE', withoutSecrets(message, address).slice(0, MESSAGE_CHARS_MAX)]
}

function replyOf(message: string): Reason | undefined {
  return REPLIES[message.split(' ', 1)[0]]
}

function withoutSecrets(message: string, { username, password }: RedisAddress): string {
  let text = message
  for (const secret of [password, username]) if (secret !== undefined) text = text.replaceAll(secret, '***')
  return text
}
