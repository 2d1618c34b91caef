import { ID_KINDS } from '../../ids.ts'
import type { Flag } from './flags.ts'
import { choiceOf, integerBetween, numberBetween, parseText } from './values.ts'

export const SERVE_PLACE_FLAGS: Flag[] = [
  { flags: '--model <dir>', key: 'model', parse: parseText, help: 'model folder (required)' },
  {
    flags: '--store <address>',
    key: 'store',
    parse: parseText,
    help: 'sqlite:FILE (default features.db) or redis://HOST:PORT',
  },
  {
    flags: '--data <dir>',
    key: 'data',
    parse: parseText,
    help: 'Parquet that fills a store without restaurants',
  },
  {
    flags: '--user-ids <kind>',
    term: '--user-ids, --restaurant-ids <kind>',
    key: 'ids.users',
    parse: choiceOf([...ID_KINDS]),
    help: 'of a new store: integer (default), unsigned, string',
  },
  { flags: '--restaurant-ids <kind>', key: 'ids.restaurants', parse: choiceOf([...ID_KINDS]) },
]

export const SERVE_FLAGS: Flag[] = [
  { flags: '--host <address>', key: 'host', parse: parseText, help: 'where to listen; default 127.0.0.1' },
  { flags: '--port <n>', key: 'port', parse: integerBetween(0, 65_535), help: 'default 8080; 0: a free one' },
  {
    flags: '--workers <n>',
    key: 'workers',
    parse: integerBetween(1, 256),
    help: 'threads that listen; default one for each core',
  },
  {
    flags: '--unknown-user <what>',
    key: 'unknownUser',
    parse: choiceOf(['fail', 'average']),
    help: 'fail: 404 (default); average: rank for the mean user',
  },
]

export const SERVE_LIMIT_FLAGS: Flag[] = [
  {
    flags: '--api-keys <file>',
    key: 'apiKeys',
    parse: parseText,
    help: 'keys that open the API; made by nearrank api-key',
  },
  {
    flags: '--max-candidates <n>',
    key: 'candidatesMax',
    parse: integerBetween(1, 1_000_000),
    help: 'of a request; default 10000',
  },
  {
    flags: '--max-queue <n>',
    key: 'waitingMax',
    parse: integerBetween(1, 100_000),
    help: 'requests that wait in a thread, more get 503; default 64',
  },
  {
    flags: '--drain-seconds <s>',
    key: 'drainSeconds',
    parse: numberBetween(0, 3600),
    help: 'for what is running when the server stops; default 30',
  },
]

export const SERVE_OUTPUT_FLAGS: Flag[] = [
  {
    flags: '--log-level <level>',
    key: 'logLevel',
    parse: choiceOf(['fatal', 'error', 'warn', 'info', 'debug', 'silent']),
    help: 'of the JSON lines on stderr; debug: each request',
  },
  { flags: '--json', key: 'json', help: 'print one JSON object when ready: url, port, …' },
]
