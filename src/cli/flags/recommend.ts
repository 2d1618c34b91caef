import type { Flag } from './flags.ts'
import { integerBetween, numberBetween, parseNames, parseText } from './values.ts'

/** What a person can say of a request on the command line; each wins over what the request's file says. */
export interface GivenRequest {
  request?: string // path of a JSON body, or of a Parquet file of requests
  requestRow?: number // of the Parquet file
  user?: string
  candidates?: string[] // ids; ['all']: every restaurant
  latitude?: number // degrees
  longitude?: number
  size?: number
  maxDistM?: number
  sortByDistance?: boolean
}

export const REQUEST_FLAGS: Flag[] = [
  {
    flags: '--request <file>',
    key: 'request',
    parse: parseText,
    help: 'the JSON body of the API (with user_id), or Parquet',
  },
  {
    flags: '--request-row <n>',
    key: 'requestRow',
    parse: integerBetween(0, 2 ** 40),
    help: 'row of requests.parquet, from 0 (default)',
  },
  { flags: '--user <id>', key: 'user', parse: parseText, help: 'user id: 42, u00042 or a string id' },
  {
    flags: '--candidates <ids>',
    key: 'candidates',
    parse: parseNames,
    help: 'restaurant ids to rank: 1,2,3, or all',
  },
  {
    flags: '--latitude <degrees>',
    term: '--latitude, --longitude <degrees>',
    key: 'latitude',
    parse: numberBetween(-90, 90),
    help: 'where the user is',
  },
  { flags: '--longitude <degrees>', key: 'longitude', parse: numberBetween(-180, 180) },
  {
    flags: '--size <n>',
    key: 'size',
    parse: integerBetween(1, 1e9),
    help: 'how many at most, default 20',
  },
  {
    flags: '--max-dist <metres>',
    key: 'maxDistM',
    parse: numberBetween(0, 1e9),
    help: 'farther ones are left out, default 5000',
  },
  { flags: '--sort-dist', key: 'sortByDistance', help: 'nearest first; default: highest score first' },
]
