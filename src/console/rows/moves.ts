import type { Id, RecommendedRestaurant } from '../../client/types.ts'

/** One line of a list, and how it compares with the other list. */
export interface Move {
  id: Id
  score: number
  displacementM: number
  place: number // from 1
  up: number | null // places that it moved up, negative: down; null: the other list does not have it
}

export interface Moves {
  before: Move[] // `up`: as in the list after
  after: Move[]
  moved: number // lines of both lists that have another place, are new, or are gone
}

/** Compares two lists of the same request. */
export function movesBetween(
  before: readonly RecommendedRestaurant[],
  after: readonly RecommendedRestaurant[],
): Moves {
  const [placesBefore, placesAfter] = [placesOf(before), placesOf(after)]
  const upOf = (id: Id): number | null => {
    const [from, to] = [placesBefore.get(id), placesAfter.get(id)]
    return from === undefined || to === undefined ? null : from - to
  }
  const line = ({ id, score, displacementM }: RecommendedRestaurant, i: number): Move => ({
    id,
    score,
    displacementM,
    place: i + 1,
    up: upOf(id),
  })
  const moves = { before: before.map(line), after: after.map(line) }
  const gone = moves.before.filter(({ up }) => up === null).length
  return { ...moves, moved: gone + moves.after.filter(({ up }) => up !== 0).length }
}

/** What has changed, in a sentence. */
export function movesText({ before, after, moved }: Moves): string {
  if (moved === 0) {
    const scores = before.some(({ score }, i) => score !== after[i].score)
    return scores ? 'The order has not changed, but scores have.' : 'Nothing has changed in this list.'
  }
  const furthest = after.reduce<Move | undefined>(
    (most, one) => (Math.abs(one.up ?? 0) > Math.abs(most?.up ?? 0) ? one : most),
    undefined,
  )
  const counts = `${moved} ${moved === 1 ? 'restaurant has' : 'restaurants have'} moved`
  if (!furthest) return `${counts}.`
  const up = furthest.up ?? 0
  const far = `${Math.abs(up)} ${Math.abs(up) === 1 ? 'place' : 'places'}`
  return `${counts}; ${String(furthest.id)} the most, ${far} ${up > 0 ? 'up' : 'down'}.`
}

function placesOf(list: readonly RecommendedRestaurant[]): Map<Id, number> {
  return new Map(list.map(({ id }, i) => [id, i]))
}
