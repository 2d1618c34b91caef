import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'

/** Whether the server takes requests, and what keeps it from it. */
export function LiveView({ api }: ViewProps) {
  const { value, error, again } = useCall((signal) => api.client.ready({ signal }), [api])
  return (
    <div class="page">
      <h1>Live</h1>
      {error !== undefined && <ErrorNote error={error} onRetry={again} />}
      {value && (
        <section class="card">
          <h2>Status: {value.status}</h2>
          {value.reasons.map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
        </section>
      )}
    </div>
  )
}
