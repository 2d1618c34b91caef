import type { OptionTable, OptionValues } from '../../options/option.ts'
import { boolean, integer, number, text, texts } from '../../options/schemas.ts'

const CANDIDATES_MAX = 1_000_000

/** What a person can say of a request on the command line; each wins over what the request's file says. */
export const REQUEST_OPTIONS = {
  /** Path of a JSON body, or of a Parquet file of requests. */
  request: {
    schema: text(),
    flag: '--request <file>',
    help: 'JSON body of the API with user_id, or a Parquet file',
  },
  /** Of the Parquet file. */
  requestRow: {
    schema: integer(0, 2 ** 40),
    flag: '--request-row <n>',
    help: 'row of the Parquet file, counted from 0 (default)',
  },
  user: { schema: text(), flag: '--user <id>', help: 'user id: 42, u00042 or a string id' },
  /** Ids; ['all']: every restaurant. */
  candidates: {
    schema: texts(CANDIDATES_MAX),
    flag: '--candidates <ids>',
    help: 'ids to rank: 1,2,3, or all (default) within --max-dist',
  },
  /** Degrees. */
  latitude: {
    schema: number(-90, 90),
    flag: '--latitude <degrees>',
    term: '--latitude, --longitude <degrees>',
    help: 'where the user is',
  },
  /** Degrees. */
  longitude: { schema: number(-180, 180), flag: '--longitude <degrees>' },
  size: { schema: integer(1, 1e9), flag: '--size <n>', help: 'how many to return at most, default 20' },
  maxDistM: {
    schema: number(0, 1e9),
    flag: '--max-dist <metres>',
    help: 'leave out restaurants farther away, default 5000',
  },
  sortByDistance: {
    schema: boolean(),
    flag: '--sort-dist',
    help: 'nearest first; default: highest score first',
  },
  explain: {
    schema: boolean(),
    flag: '--explain',
    help: 'tell how much each feature moved each score',
  },
} satisfies OptionTable

export type GivenRequest = Partial<OptionValues<typeof REQUEST_OPTIONS>>
