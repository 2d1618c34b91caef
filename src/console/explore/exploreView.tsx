import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'

const FIELDS = ['user', 'latitude', 'longitude'] as const

/** Ranks restaurants near a place for a user. */
export function ExploreView({ api, params, setParams }: ViewProps) {
  const [user, latitude, longitude] = FIELDS.map((name) => params.get(name) ?? '')
  const isAsked = user !== '' && latitude !== '' && longitude !== ''
  const { value, error } = useCall(
    isAsked
      ? (signal) =>
          api.client.recommend(user, { latitude: Number(latitude), longitude: Number(longitude) }, { signal })
      : undefined,
    [api, params.toString()],
  )
  const ask = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const texts = [...form].flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : []))
    setParams(new URLSearchParams(texts))
  }
  return (
    <div class="page">
      <h1>Explore</h1>
      <form class="card row-form" onSubmit={ask}>
        {FIELDS.map((name) => (
          <p key={name}>
            <label for={`explore-${name}`}>{name}</label>
            <input id={`explore-${name}`} name={name} defaultValue={params.get(name) ?? ''} required />
          </p>
        ))}
        <button type="submit">Rank</button>
      </form>
      {error !== undefined && <ErrorNote error={error} />}
      {value && (
        <ol class="card">
          {value.restaurants.map(({ id, score }) => (
            <li key={String(id)}>
              {String(id)}: {score.toFixed(4)}
            </li>
          ))}
        </ol>
      )}
    </div>
  )
}
