import { formatCount } from '../../format.ts'
import type { LastProblem } from '../api/lastProblems.ts'
import { formatMoment } from '../parts/formatMoment.ts'

/** The last error of each kind, whatever the path. */
export function LastErrors({ problems }: { problems: readonly LastProblem[] }) {
  return (
    <section class="card" aria-labelledby="live-errors">
      <h2 id="live-errors">Last errors</h2>
      {problems.length === 0 ? (
        <p class="note">No request has failed since the start.</p>
      ) : (
        <div class="table-frame" tabIndex={0} role="group" aria-labelledby="live-errors">
          <table>
            <thead>
              <tr>
                <th scope="col">Status</th>
                <th scope="col">Error, and what the last client was told</th>
                <th scope="col">Last one</th>
                <th scope="col" class="number">
                  Since the start
                </th>
              </tr>
            </thead>
            <tbody>
              {problems.map(({ code, status, title, count, lastAt, lastDetail }) => (
                <tr key={code}>
                  <th scope="row">{status}</th>
                  <td>
                    {title}
                    <div class="note">{lastDetail}</div>
                  </td>
                  <td>
                    <time dateTime={lastAt}>{formatMoment(lastAt)}</time>
                  </td>
                  <td class="number">{formatCount(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
