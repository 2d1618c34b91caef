import { useEffect, useState } from 'preact/hooks'
import { formatAddress } from '../address.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { getModelFeatures, type ModelFeatures } from '../api/modelFeatures.ts'
import { sampleRestaurants, sampleUser } from '../api/rows.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'
import { lookUp } from './lookUp.ts'
import { LookUpForm } from './lookUpForm.tsx'
import { RankingChange } from './rankingChange.tsx'
import { RankingFields } from './rankingFields.tsx'
import { RowEditor } from './rowEditor.tsx'
import { formatRows, parseRows, type RowsState, type Side } from './rowsState.ts'
import { SIDE_NAMES, type StoredRow } from './storedRow.ts'

/** Looks a row up, changes it, and shows what that does to a list. */
export function RowsView({ api, params, setParams }: ViewProps) {
  const state = parseRows(params)
  const { side, id } = state
  const features = useCall((signal) => getModelFeatures(api, signal), [api])
  const found = useCall(
    id === ''
      ? undefined
      : async (signal) => ({ of: `${side} ${id}`, stored: await lookUp(api, side, id, { signal }) }),
    [api, side, id],
  )
  const { value } = found
  const isShown = value?.of === `${side} ${id}` && !found.isRunning
  const error = found.error ?? features.error
  const lookUpRow = (newSide: Side, newId: string): void => {
    if (newSide === side && newId === id) found.again()
    const place = newSide === side ? state : { rankedFor: '', latitude: null, longitude: null }
    setParams(formatRows({ ...state, ...place, side: newSide, id: newId }))
  }
  return (
    <div class="page">
      <h1>Rows</h1>
      <LookUpForm api={api} side={side} id={id} onLookUp={lookUpRow} />
      {id === '' && (
        <p class="note">
          Look up a user or a restaurant to see its features, change them, and see what that does to a list.
        </p>
      )}
      {error !== undefined && <ErrorNote error={error} />}
      <div role="status" class={isShown && value.stored ? 'visually-hidden' : 'not-found'}>
        {isShown && foundText(side, id, value.stored !== undefined)}
      </div>
      {isShown && value.stored && features.value && (
        <RowAndList
          key={value.of}
          api={api}
          loaded={value.stored}
          features={features.value}
          state={state}
          onState={(next) => setParams(formatRows(next))}
        />
      )}
    </div>
  )
}

function foundText(side: Side, id: string, isThere: boolean): string {
  const name = SIDE_NAMES[side]
  return isThere ? `The ${name} ${id} is shown.` : `There is no ${name} with this id.`
}

interface RowAndListProps {
  api: ConsoleApi
  loaded: StoredRow
  features: ModelFeatures
  state: RowsState
  onState: (state: RowsState) => void
}

function RowAndList({ api, loaded, features, state, onState }: RowAndListProps) {
  const [written, setWritten] = useState({ row: loaded, revision: 0 })
  const [error, setError] = useState<unknown>()
  const request = requestOf(state, loaded)
  // Somebody and some place, if nothing was chosen.
  const choose = async (): Promise<void> => {
    try {
      setError(undefined)
      onState({ ...state, ...(await someRequest(api, state.side)) })
    } catch (reason) {
      setError(reason)
    }
  }
  useEffect(() => {
    if (!request) void choose()
  }, [])
  return (
    <div class="row-and-list">
      <RowEditor
        api={api}
        loaded={loaded}
        takes={features[loaded.side]}
        onWritten={(row) => setWritten(({ revision }) => ({ row, revision: revision + 1 }))}
      />
      <section class="card ranking" aria-labelledby="rows-ranking">
        <h2 id="rows-ranking">{loaded.side === 'users' ? 'Their list at a place' : 'A list where it is'}</h2>
        <RankingFields state={state} onState={onState} onRandom={() => void choose()} />
        {request && (
          <p>
            <a href={mapAddress(request, state.reachM)}>See it on the map</a>
          </p>
        )}
        {features.context.length > 0 && (
          <p class="note">Without what a request may tell of itself: {namesOf(features.context)}.</p>
        )}
        {error !== undefined && <ErrorNote error={error} />}
        {request && (
          <RankingChange
            api={api}
            {...request}
            reachM={state.reachM}
            revision={written.revision}
            {...(loaded.side === 'restaurants' && { highlighted: loaded.row.id })}
          />
        )}
      </section>
    </div>
  )
}

/** Whose list is shown, and where: one of both is the row. undefined: the other is not chosen yet. */
function requestOf(
  { rankedFor, latitude, longitude }: RowsState,
  loaded: StoredRow,
): ListRequest | undefined {
  if (loaded.side === 'restaurants') {
    if (rankedFor === '') return undefined
    return { user: rankedFor, latitude: loaded.row.latitude, longitude: loaded.row.longitude }
  }
  if (latitude === null || longitude === null) return undefined
  return { user: String(loaded.row.id), latitude, longitude }
}

interface ListRequest {
  user: string
  latitude: number
  longitude: number
}

function mapAddress({ user, latitude, longitude }: ListRequest, reachM: number): string {
  const params = { user, lat: String(latitude), lon: String(longitude), reach: String(reachM) }
  return formatAddress({ view: 'explore', params: new URLSearchParams(params) })
}

async function someRequest(api: ConsoleApi, side: Side): Promise<Partial<RowsState>> {
  if (side === 'restaurants') {
    const user = await sampleUser(api)
    return user ? { rankedFor: String(user.id) } : {}
  }
  const [place] = await sampleRestaurants(api, 1)
  return place ? { latitude: place.latitude, longitude: place.longitude } : {}
}

function namesOf(features: ModelFeatures['context']): string {
  return features.map(({ name }) => name).join(', ')
}
