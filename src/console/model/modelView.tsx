import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'

/** Which model is served. */
export function ModelView({ api }: ViewProps) {
  const { value, error, again } = useCall((signal) => api.client.model({ signal }), [api])
  return (
    <div class="page">
      <h1>Model</h1>
      {error !== undefined && <ErrorNote error={error} onRetry={again} />}
      {value && (
        <section class="card">
          <h2>Version {value.version} since the start</h2>
          <dl class="facts">
            <dt>Folder</dt>
            <dd>{value.path}</dd>
            <dt>Trained</dt>
            <dd>{value.createdAt}</dd>
            <dt>Loaded</dt>
            <dd>{value.loadedAt}</dd>
            <dt>Checksum of the weights</dt>
            <dd>
              <code>{value.checksum}</code>
            </dd>
          </dl>
        </section>
      )}
    </div>
  )
}
