import { group, type OptionTable } from '../../options/option.ts'
import { text } from '../../options/schemas.ts'

const FILES = {
  ca: {
    schema: text(),
    flag: '--redis-ca <file>',
    help: 'authority that signs the certificate of rediss://',
  },
  cert: {
    schema: text(),
    flag: '--redis-cert <file>',
    term: '--redis-cert, --redis-key <file>',
    help: 'certificate of this client for rediss://, and its key',
  },
  key: { schema: text(), flag: '--redis-key <file>' },
} satisfies OptionTable

/** The files of TLS to Redis, wherever a store is named. */
export const REDIS_TLS_OPTION = {
  redisTls: group(FILES, 'an object of files'),
} satisfies OptionTable
