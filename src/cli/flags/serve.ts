import { ID_KINDS } from '../../ids.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { UNKNOWN_CONTEXT_OPTION } from '../../ranking/unknownContext.ts'
import { group, type OptionTable } from '../../options/option.ts'
import { boolean, integer, number, oneOf, text, texts } from '../../options/schemas.ts'
import { JSON_OPTION } from './flags.ts'
import { REDIS_TLS_OPTION } from './redisTls.ts'

const IDS = {
  users: {
    schema: oneOf(...ID_KINDS),
    flag: '--user-ids <kind>',
    term: '--user-ids, --restaurant-ids <kind>',
    help: 'ids of a new store: integer (default), unsigned, string',
  },
  restaurants: { schema: oneOf(...ID_KINDS), flag: '--restaurant-ids <kind>' },
} satisfies OptionTable

export const SERVE_PLACES = {
  ...MODEL_OPTION,
  store: {
    schema: text(),
    flag: '--store <address>',
    help: 'sqlite:FILE (default features.db) or redis://HOST:PORT',
  },
  ...REDIS_TLS_OPTION,
  data: { schema: text(), flag: '--data <dir>', help: 'Parquet files that fill a store without restaurants' },
  ids: group(IDS, 'an object of kinds'),
} satisfies OptionTable

export const SERVE_OPTIONS = {
  host: { schema: text(), flag: '--host <address>', help: 'address to listen on; default 127.0.0.1' },
  allowedHosts: {
    schema: texts(),
    flag: '--allowed-hosts <names>',
    help: 'names of the server behind a proxy, without keys',
  },
  corsOrigins: {
    schema: texts(),
    flag: '--cors-origin <origins>',
    help: 'origins of pages that may call it; * needs keys',
  },
  port: { schema: integer(0, 65_535), flag: '--port <n>', help: 'default 8080; 0 picks a free one' },
  workers: {
    schema: integer(1, 256),
    flag: '--workers <n>',
    help: 'listening threads; default one for each core',
  },
  console: { schema: boolean(), flag: '--no-console', help: 'leave out the page at /' },
  mapTiles: {
    schema: text(),
    flag: '--map-tiles <url>',
    help: 'of its map, as https://tiles.example/{z}/{x}/{y}.png',
  },
  mapAttribution: { schema: text(), flag: '--map-attribution <text>', help: 'whom these tiles are from' },
  unknownUser: {
    schema: oneOf('fail', 'average'),
    flag: '--unknown-user <what>',
    help: 'fail: 404 (default); average: rank for the mean user',
  },
  ...UNKNOWN_CONTEXT_OPTION,
} satisfies OptionTable

export const SERVE_PROTECTION = {
  apiKeys: {
    schema: text(),
    flag: '--api-keys <file>',
    help: 'keys that give access to the API; see nearrank api-key',
  },
  candidatesMax: {
    schema: integer(1, 1_000_000),
    flag: '--max-candidates <n>',
    help: 'limit for each request; default 10000',
  },
  waitingMax: {
    schema: integer(1, 100_000),
    flag: '--max-queue <n>',
    help: 'requests waiting in a thread; more get 503; default 64',
  },
  drainSeconds: {
    schema: number(0, 3600),
    flag: '--drain-seconds <s>',
    help: 'time to answer running requests at the stop; default 30',
  },
} satisfies OptionTable

export const SERVE_OUTPUT = {
  logLevel: {
    schema: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'silent'),
    flag: '--log-level <level>',
    help: 'of the JSON log on stderr; debug logs every request',
  },
  json: { ...JSON_OPTION.json, help: 'print one JSON object when ready: url, port, …' },
} satisfies OptionTable
