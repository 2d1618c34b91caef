import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'

/** Looks a user up. */
export function RowsView({ api, params, setParams }: ViewProps) {
  const id = params.get('user')
  const { value, error, isRunning } = useCall(
    id === null ? undefined : async (signal) => ({ row: await api.client.getUser(id, { signal }) }),
    [api, id],
  )
  const look = (event: SubmitEvent): void => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement).get('user')
    if (typeof given === 'string' && given !== '') setParams(new URLSearchParams({ user: given }))
  }
  return (
    <div class="page">
      <h1>Rows</h1>
      <form class="card row-form" onSubmit={look}>
        <label for="rows-user">User id</label>
        <input id="rows-user" name="user" defaultValue={id ?? ''} required />
        <button type="submit">Look up</button>
      </form>
      {error !== undefined && <ErrorNote error={error} />}
      {value && !isRunning && (
        <section class="card">
          {value.row ? (
            <pre>{JSON.stringify(value.row.features, null, 2)}</pre>
          ) : (
            <p>There is no user with this id.</p>
          )}
        </section>
      )}
    </div>
  )
}
