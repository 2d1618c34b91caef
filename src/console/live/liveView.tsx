import { useState } from 'preact/hooks'
import { NearrankApiError } from '../../client/nearrankApiError.ts'
import type { Readiness } from '../../client/types.ts'
import { formatCount, formatSeconds } from '../../format.ts'
import { getLastProblems, type LastProblem } from '../api/lastProblems.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { isForbidden, usePolling } from '../parts/usePolling.ts'
import { useVisible } from '../parts/useVisible.ts'
import type { ViewProps } from '../viewProps.ts'
import { AnswersTable } from './answersTable.tsx'
import { type Moment, withSnapshot } from './history.ts'
import { LastErrors } from './lastErrors.tsx'
import { LiveCharts } from './liveCharts.tsx'
import { readSnapshot, type Snapshot } from './snapshot.ts'

const METRICS_MS = 1000
const READY_MS = 5000
const PROBLEMS_MS = 5000

/** What the server does now: its own metrics, asked for every second while somebody can see them. */
export function LiveView({ api }: ViewProps) {
  const [isPaused, setIsPaused] = useState(false)
  const [history, setHistory] = useState<Moment[]>([])
  const [ready, setReady] = useState<Readiness>()
  const [problems, setProblems] = useState<LastProblem[]>()
  const isOn = useVisible() && !isPaused
  const error = usePolling(api, {
    isOn,
    everyMs: METRICS_MS,
    call: (from, signal) => from.getText({ action: 'get the metrics', path: '/metrics', signal }),
    take: (text) => setHistory((before) => withSnapshot(before, readSnapshot(text, performance.now()))),
  })
  usePolling(api, {
    isOn,
    everyMs: READY_MS,
    call: (from, signal) => from.client.ready({ signal }),
    take: setReady,
  })
  const problemsError = usePolling(api, {
    isOn,
    everyMs: PROBLEMS_MS,
    call: getLastProblems,
    take: setProblems,
  })
  const last = history.at(-1)
  return (
    <div class="page">
      <div class="page-head">
        <h1>Live</h1>
        {ready && <StatusPill status={isUnreachable(error) ? 'no answer' : ready.status} />}
        {last && <ServerFacts snapshot={last.snapshot} />}
        <button type="button" aria-pressed={isPaused} onClick={() => setIsPaused(!isPaused)}>
          Pause
        </button>
      </div>
      {error !== undefined && <ErrorNote error={error} />}
      {ready && ready.reasons.length > 0 && (
        <ul class="card reasons" role="status">
          {ready.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {last && <LiveCharts history={history} />}
      <AnswersTable history={history} />
      {isForbidden(problemsError) ? (
        <p class="note">A key with the right admin shows the last errors, too.</p>
      ) : (
        problems && <LastErrors problems={problems} />
      )}
    </div>
  )
}

/** A server that refuses the metrics has answered. */
function isUnreachable(error: unknown): boolean {
  return error !== undefined && !(error instanceof NearrankApiError && error.status > 0)
}

function StatusPill({ status }: { status: string }) {
  const mood = status === 'ready' ? 'good' : status === 'degraded' ? 'warn' : 'bad'
  return (
    <p class={`pill ${mood}`} role="status">
      {status}
    </p>
  )
}

function ServerFacts({ snapshot }: { snapshot: Snapshot }) {
  const { threads, users, restaurants, startedAtS, isStoreConnected } = snapshot
  const count = (value: number | null, what: string) =>
    value === null ? [] : [`${formatCount(value)} ${what}${value === 1 ? '' : 's'}`]
  const facts = [
    ...(startedAtS === null ? [] : [`up ${formatSeconds(Math.max(0, Date.now() / 1000 - startedAtS))}`]),
    ...count(threads, 'thread'),
    ...count(users, 'user'),
    ...count(restaurants, 'restaurant'),
    isStoreConnected ? 'store connected' : 'store not connected',
  ]
  return <p class="page-facts">{facts.join(' · ')}</p>
}
