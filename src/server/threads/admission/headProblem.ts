import type { IncomingMessage } from 'node:http'
import type { Problem } from '../../problems/problems.ts'
import { BAD_HOST, UNMET_EXPECTATION } from './refusals.ts'

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i // as Node looks for it, which then answers 100

/**
 * What HTTP forbids in the head of a request (RFC 9112, 3.2; RFC 9110, 10.1.1) that Node's parser lets pass;
 * undefined: nothing. Several headers of a name are one here, joined by commas.
 */
export function headProblem({ headers, httpVersion }: IncomingMessage): Problem | undefined {
  const { host, expect } = headers
  if (host === undefined ? httpVersion === '1.1' : host.includes(',')) return BAD_HOST
  return expect === undefined || CONTINUE.test(expect) ? undefined : UNMET_EXPECTATION
}
