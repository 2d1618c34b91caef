import { useEffect, useState } from 'preact/hooks'
import type { Id, RecommendedRestaurant } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
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

function MoveLists(props: { moves: Moves; isChanged: boolean; highlighted?: Id }) {
  const { moves, isChanged, highlighted } = props
  if (!isChanged) return <MoveList title="Now" lines={moves.before} highlighted={highlighted} />
  return (
    <div class="move-lists">
      <MoveList title="Before" lines={moves.before} highlighted={highlighted} missing="gone" />
      <MoveList title="Now" lines={moves.after} highlighted={highlighted} missing="new" />
    </div>
  )
}

interface MoveListProps {
  title: string
  lines: readonly Move[]
  highlighted: Id | undefined
  missing?: 'gone' | 'new' // what a line is that the other list does not have; absent: there is no other list
}

function MoveList({ title, lines, highlighted, missing }: MoveListProps) {
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
            <span class="move-id">{String(line.id)}</span>
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
