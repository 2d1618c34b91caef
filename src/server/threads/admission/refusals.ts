import { Problem } from '../../problems/problems.ts'

// Made once, since an error takes its stack, and under overload most answers are one of these.

export const READ_KEY_NEEDED = new Problem('UNAUTHENTICATED', 'Cannot answer: an API key is needed')
export const READ_RIGHT_NEEDED = new Problem(
  'FORBIDDEN',
  'Cannot answer: the API key must have the right to read',
)
export const OVERLOADED = new Problem(
  'OVERLOADED',
  'Cannot answer now: too many requests are waiting; send it again in a second',
)
export const LOADS_ARRIVING = new Problem(
  'OVERLOADED',
  'Cannot accept the load now: others are arriving; send it again in a second',
)
export const BODIES_ARRIVING = new Problem(
  'OVERLOADED',
  'Cannot accept the body now: others take all the room; send it again in a second',
)
export const NOT_READY = new Problem('NOT_READY', 'Cannot rank yet: features are still being loaded')
export const TOO_LARGE = new Problem('BODY_TOO_LARGE', 'Cannot accept the body: it is too large')
export const NOT_JSON = new Problem(
  'UNSUPPORTED_MEDIA_TYPE',
  'Cannot read the body: the header Content-Type is missing or not one that this path accepts',
)
export const COMPRESSED = new Problem(
  'UNSUPPORTED_MEDIA_TYPE',
  'Cannot read the body: it must not be compressed (Content-Encoding)',
)
export const BAD_HOST = new Problem(
  'BAD_REQUEST',
  'Cannot answer: the request must have one header Host, with one name',
)
export const UNMET_EXPECTATION = new Problem(
  'EXPECTATION_FAILED',
  'Cannot answer: the header Expect must be 100-continue, or be left out',
)
export const BAD_PATH = new Problem('BAD_REQUEST', 'Cannot read the path: it is not valid')
export const BAD_ENCODING = new Problem(
  'BAD_REQUEST',
  'Cannot read the path: its percent-encoding is not valid',
)
export const DOT_STEPS = new Problem(
  'UNKNOWN_ROUTE',
  'Cannot find the path: it must not contain a backslash, or . or .. as a segment',
)
export const TOO_SLOW = new Problem(
  'REQUEST_TIMEOUT',
  'Cannot wait any longer: the request must arrive faster',
)
export const NOT_HTTP = new Problem(
  'BAD_REQUEST',
  'Cannot read the request: it must be HTTP/1.1 with a head of at most 16 KiB and a single body length',
)
