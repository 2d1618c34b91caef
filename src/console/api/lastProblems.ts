import type { ConsoleApi } from './consoleApi.ts'

/** Problems of one kind that requests were answered with since the start of the server. */
export interface LastProblem {
  code: string
  status: number
  title: string
  count: number
  lastAt: string // ISO 8601
  lastDetail: string
}

interface ProblemJson extends Omit<LastProblem, 'lastAt' | 'lastDetail'> {
  last_at: string
  last_detail: string
}

/** One of each kind, the newest first. @throws NearrankApiError */
export function getLastProblems(api: ConsoleApi, signal?: AbortSignal): Promise<LastProblem[]> {
  return api.getJson({ action: 'get the last errors', path: '/problems', signal }, ({ json }) =>
    (json as { problems: ProblemJson[] }).problems.map(problemOf),
  )
}

function problemOf({ code, status, title, count, last_at, last_detail }: ProblemJson): LastProblem {
  return { code, status, title, count, lastAt: last_at, lastDetail: last_detail }
}
