import { useMemo, useRef, useState } from 'preact/hooks'
import { getModelFeatures, type ModelFeature } from '../api/modelFeatures.ts'
import { pageSetting } from '../pageSetting.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'
import { type Asked, type ExploreState, parseState } from './exploreState.ts'
import type { Place } from './map/rankingMap.ts'
import { MapPane } from './mapPane.tsx'
import { pinsOf } from './pinsOf.ts'
import { queryOf } from './queryOf.ts'
import { RequestColumn } from './requestColumn.tsx'
import { RequestFields } from './requestFields.tsx'
import { RowCache } from './rowCache.ts'
import { rangeOf } from './scoreColours.ts'
import { useChanges } from './useChanges.ts'
import { useRanking } from './useRanking.ts'
import { useStart } from './useStart.ts'

type Which = 'first' | 'second'

const EMPTY =
  'The server has no users or no restaurants yet. Fill its store with nearrank load, or write rows over HTTP; then load this page again.'

/** Ranked restaurants on a map: one request, or two side by side. */
export function ExploreView({ api, params, unknownView, setParams }: ViewProps) {
  const state = parseState(params)
  const latest = useRef(state)
  latest.current = state
  const { note, fill, change } = useChanges({ params, unknownView, latest, setParams })
  const start = useStart(api, latest, fill)
  const features = useCall((signal) => getModelFeatures(api, signal), [api])
  const [dragged, setDragged] = useState<Place | null>(null)
  const [onMap, setOnMap] = useState<Which>('first')

  const context = features.value?.context
  const shown = { ...state, ...dragged }
  const rows = useMemo(() => new RowCache(api), [api])
  const rankings = {
    first: useRanking(api, rows, requestOf(shown, state.first, context)),
    second: useRanking(api, rows, requestOf(shown, state.second, context)),
  }
  const lists = [rankings.first.restaurants ?? [], rankings.second.restaurants ?? []]
  const range = rangeOf(lists.flat().map(({ score }) => score))
  const drawn = state.second && onMap === 'second' ? lists[1] : lists[0]
  const { selected } = state
  const pins = useMemo(() => pinsOf(drawn, { range, selected }), [drawn, range.low, range.high, selected])
  const takePlace = (place: Place, isFinal: boolean): void => {
    setDragged(isFinal ? null : place)
    if (isFinal) change(place)
  }
  const column = (which: Which, asked: Asked) => ({
    api,
    context: context ?? [],
    asked,
    query: queryOf(state, asked, context ?? []),
    ranking: rankings[which],
    range,
    selected,
    isOnMap: onMap === which,
    onAsked: (to: Asked) => change({ [which]: to }),
    onSelect: (id: string | null) => change({ selected: id }),
  })
  const failed = start.error === undefined ? features : start
  return (
    <div class={state.second ? 'explore is-double' : 'explore'}>
      <h1 class="visually-hidden">Explore</h1>
      <div class="explore-panel">
        <Notes failed={failed} note={note} isEmpty={start.isEmpty === true} />
        <RequestFields state={shown} onChange={change} />
        <div class="request-columns">
          <RequestColumn
            title={state.second ? 'First' : 'Request'}
            {...column('first', state.first)}
            {...(state.second
              ? { compared: rankings.second, onShowOnMap: () => setOnMap('first') }
              : { onCompare: () => change({ second: state.first }) })}
          />
          {state.second && (
            <RequestColumn
              title="Second"
              {...column('second', state.second)}
              compared={rankings.first}
              onShowOnMap={() => setOnMap('second')}
              onRemove={() => change({ second: null })}
            />
          )}
        </div>
      </div>
      {shown.latitude !== null && shown.longitude !== null && (
        <MapPane
          tiles={tilesOfPage()}
          place={{ latitude: shown.latitude, longitude: shown.longitude }}
          reachM={state.reachM}
          pins={pins}
          range={range}
          onPlace={takePlace}
          onPin={(id) => change({ selected: id })}
        />
      )}
    </div>
  )
}

/** What went wrong, and what to know before anything is looked at. */
function Notes({
  failed,
  note,
  isEmpty,
}: {
  failed: { error?: unknown; again: () => void }
  note: string
  isEmpty: boolean
}) {
  return (
    <>
      {failed.error !== undefined && <ErrorNote error={failed.error} onRetry={failed.again} />}
      {note !== '' && (
        <p class="note" role="status">
          {note}
        </p>
      )}
      {isEmpty && <p class="note">{EMPTY}</p>}
    </>
  )
}

/** null: something of it is still missing. */
function requestOf(state: ExploreState, asked: Asked | null, context: readonly ModelFeature[] | undefined) {
  const query = asked && context && queryOf(state, asked, context)
  return query ? { user: asked.user, query } : null
}

function tilesOfPage() {
  const url = pageSetting('map-tiles')
  return url === '' ? null : { url, attribution: pageSetting('map-attribution') }
}
