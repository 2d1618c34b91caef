import { useEffect, useState } from 'preact/hooks'
import type { Id, RecommendedRestaurant } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { getRestaurants } from '../api/rows.ts'
import { describeRow } from '../explore/describeRow.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import { type Move, type Moves, movesBetween, movesText } from './moves.ts'

const SIZE = 20

export interface RankingChangeProps {
  api: ConsoleApi
  user: string
  latitude: number
  longitude: number
  reachM: number
  revision: number // another one: the row was written, and the list may be another
  highlighted?: Id // a restaurant
}

interface Lists {
  of: string // what was asked
  before: RecommendedRestaurant[]
  after?: RecommendedRestaurant[]
}

/** The list of a user at a place, as it was and as it is since the row was written. */
export function RankingChange(props: RankingChangeProps) {
  const { api, user, latitude, longitude, reachM, revision } = props
  const [lists, setLists] = useState<Lists>()
  const [error, setError] = useState<unknown>()
  const of = JSON.stringify([user, latitude, longitude, reachM])
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    setError(undefined)
    api.client.recommend(user, { latitude, longitude, maxDistM: reachM, size: SIZE }, { signal }).then(
      ({ restaurants }) =>
        setLists((known) =>
          known?.of === of ? { ...known, after: restaurants } : { of, before: restaurants },
        ),
      (reason: unknown) => signal.aborted || setError(reason),
    )
    return () => controller.abort()
  }, [api, of, revision])
  if (error !== undefined) return <ErrorNote error={error} />
  if (lists?.of !== of) return <p class="note">Ranking…</p>
  const moves = movesBetween(lists.before, lists.after ?? lists.before)
  return (
    <>
      <p role="status" class="moves-text">
        {lists.after ? movesText(moves) : ''}
      </p>
      {moves.before.length === 0 && moves.after.length === 0 ? (
        <p>No restaurant is within reach. Choose another place, or a longer reach.</p>
      ) : (
        <MoveLists moves={moves} isChanged={lists.after !== undefined} {...props} />
      )}
    </>
  )
}

interface ListsShown {
  moves: Moves
  isChanged: boolean // there is a list before and one after
}

function MoveLists(props: Pick<RankingChangeProps, 'api' | 'revision' | 'highlighted'> & ListsShown) {
  const { api, revision, moves, isChanged, highlighted } = props
  const ids = [...new Set([...moves.before, ...moves.after].map(({ id }) => id))]
  // What they are is told if it can be; the lists stand without it.
  const rows = useCall((signal) => getRestaurants(api, ids, signal), [api, ids.join(), revision])
  const words = new Map(rows.value?.map((row) => [row.id, describeRow(row)]))
  const common = { highlighted, words }
  if (!isChanged) return <MoveList {...common} title="Now" lines={moves.before} />
  return (
    <div class="move-lists">
      <MoveList {...common} title="Before" lines={moves.before} missing="gone" />
      <MoveList {...common} title="Now" lines={moves.after} missing="new" />
    </div>
  )
}

interface MoveListProps {
  title: string
  lines: readonly Move[]
  highlighted: Id | undefined
  words: ReadonlyMap<Id, string> // what restaurants are
  missing?: 'gone' | 'new' // what a line is that the other list does not have; absent: there is no other list
}

function MoveList({ title, lines, highlighted, words, missing }: MoveListProps) {
  return (
    <section class="move-list">
      <h3>{title}</h3>
      <ol>
        {lines.map((line) => (
          <li
            key={String(line.id)}
            class={`${line.id === highlighted ? 'highlighted' : ''} ${missing && line.up !== 0 ? 'moved' : ''}`}
          >
            <span class="move-place">{line.place}</span>
            <span class="move-what">
              <span class="move-id">{String(line.id)}</span>
              <span class="move-words">{words.get(line.id) ?? ''}</span>
            </span>
            <span class="move-score">{line.score.toFixed(4)}</span>
            {missing && <MoveMark up={line.up} missing={missing} />}
          </li>
        ))}
      </ol>
    </section>
  )
}

function MoveMark({ up, missing }: { up: number | null; missing: 'gone' | 'new' }) {
  if (up === null) return <span class="move-mark warn">{missing}</span>
  if (up === 0) return <span class="move-mark" />
  const far = Math.abs(up)
  return (
    <span class={`move-mark ${up > 0 ? 'good' : 'bad'}`}>
      <span aria-hidden="true">
        {up > 0 ? '▲' : '▼'} {far}
      </span>
      <span class="visually-hidden">
        {far} {up > 0 ? 'up' : 'down'}
      </span>
    </span>
  )
}
