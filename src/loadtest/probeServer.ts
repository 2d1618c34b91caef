import { NearrankError } from '../errors.ts'
import { Connection } from './connection.ts'
import type { LoadPlan } from './loadPlan.ts'
import type { PreparedRequest } from './prepareRequests.ts'

const TRIES = 10 // a user or two may be unknown to the server; ten in a row are no chance

/** A status, or why there is none. `isReached`: a connection came about. */
type Answer = { status: number } | { status: undefined; kind: string; isReached: boolean }

const ADVICE: Record<number, string> = {
  400: 'the requests do not fit this server',
  401: 'give an API key with the right to read (--api-key)',
  403: 'give an API key with the right to read (--api-key)',
  404: 'is it a Nearrank server, and does its store hold the users of these requests?',
  413: 'the requests are larger than the server accepts: see its candidate and body limits',
  422: 'the requests do not fit this server',
  503: 'it is not ready, or it is overloaded',
}

/**
 * Asks the server up to ten requests, one at a time, until one is answered well: a test of a wrong address or
 * without the right key would only measure errors.
 * @throws NearrankError UNAVAILABLE where there is no connection or no answer in time, INPUT where all are
 * refused.
 */
export async function probeServer(plan: LoadPlan): Promise<void> {
  const { target, requests, timeoutMs, signal } = plan
  let last: Answer | undefined
  for (let i = 0; i < TRIES; i++) {
    if (signal?.aborted) return
    last = await askOnce(plan, requests[i % requests.length])
    if (signal?.aborted) return
    if (last.status === undefined) {
      if (!last.isReached)
        throw new NearrankError(
          'UNAVAILABLE',
          `Cannot reach ${target.origin}: ${last.kind}; start the server, or check the address`,
        )
      if (last.kind === 'timeout')
        throw new NearrankError(
          'UNAVAILABLE',
          `Cannot test ${target.origin}: the first request was not answered in ${timeoutMs} ms`,
        )
    } else if (last.status >= 200 && last.status < 300) return
  }
  const [found, advice] =
    last?.status === undefined
      ? [last?.kind, 'is it an HTTP server?']
      : [`status ${last.status}`, ADVICE[last.status]]
  throw new NearrankError(
    'INPUT',
    `Cannot test ${target.origin}: the first ${TRIES} requests all failed, the last with ${found}${advice === undefined ? '' : `; ${advice}`}`,
  )
}

async function askOnce({ target, timeoutMs, signal }: LoadPlan, request: PreparedRequest): Promise<Answer> {
  const answer = Promise.withResolvers<Answer>()
  const connection = new Connection(target, {
    opened: (opened) => opened.send(request, 0, performance.now()),
    answered: (_, status) => answer.resolve({ status }),
    closed: ({ isOpen }, kind) => answer.resolve({ status: undefined, kind, isReached: isOpen }),
  })
  const timer = setTimeout(() => connection.close('timeout'), timeoutMs)
  const stop = () => connection.close('stopped')
  signal?.addEventListener('abort', stop)
  try {
    return await answer.promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    connection.close('done')
  }
}
