import { formatCount } from '../../format.ts'
import { type Moment, recentAnswers } from './history.ts'
import { TROUBLES, type Trouble } from './snapshot.ts'

const MEANINGS: Readonly<Record<string, string>> = {
  200: 'answered',
  400: 'not valid',
  401: 'without a known key',
  403: 'not allowed',
  404: 'unknown user',
  408: 'did not arrive in time',
  413: 'too large',
  415: 'not JSON',
  500: 'failed: see the log of the server',
  503: 'refused: overloaded, or not ready',
}

/** How requests for lists were answered, and what else has gone wrong. */
export function AnswersTable({ history }: { history: readonly Moment[] }) {
  const last = history.at(-1)
  if (!last) return null
  const { answers, troubles } = last.snapshot
  const recent = recentAnswers(history)
  const statuses = [...answers].filter(([status, count]) => count > 0 || status === '200' || status === '503')
  const seen = [...troubles].filter(([, count]) => count > 0)
  return (
    <section class="card" aria-labelledby="live-answers">
      <h2 id="live-answers">Answers</h2>
      <div class="table-frame" tabIndex={0} role="group" aria-labelledby="live-answers">
        <table>
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Requests for lists</th>
              <th scope="col" class="number">
                Last 2 minutes
              </th>
              <th scope="col" class="number">
                Since the start
              </th>
            </tr>
          </thead>
          <tbody>
            {statuses.map(([status, count]) => (
              <tr key={status}>
                <th scope="row">{status}</th>
                <td>{MEANINGS[status] ?? 'other'}</td>
                <td class="number">{formatCount(recent.get(status) ?? 0)}</td>
                <td class="number">{formatCount(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        {seen.length === 0
          ? 'Since the start: no connection was dropped, no thread died, and no line of the log was lost.'
          : `Since the start: ${seen.map(([name, count]) => troubleText(name, count)).join('; ')}.`}
      </p>
    </section>
  )
}

function troubleText(name: Trouble, count: number): string {
  return `${formatCount(count)} ${TROUBLES[name]}`
}
