import { useEffect, useRef } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { describeRow } from './describeRow.ts'
import { formatDistance } from './formatDistance.ts'
import { scoreColour, type ScoreRange } from './scoreColours.ts'
import type { RankedRestaurant } from './useRanking.ts'

export interface RankedListProps {
  restaurants: readonly RankedRestaurant[]
  compared?: readonly RankedRestaurant[] // by the other request; absent: there is none
  range: ScoreRange
  selected: string | null
  onSelect: (id: string | null) => void
  /** Why a restaurant has its score, below its line. */
  explain: (restaurant: RankedRestaurant) => ComponentChildren
}

/** Ranked restaurants; one of them may be open, with its explanation. */
export function RankedList({ restaurants, compared, range, selected, onSelect, explain }: RankedListProps) {
  const list = useRef<HTMLOListElement>(null)
  const ranks = new Map(compared?.map(({ id }, i) => [id, i]))
  useEffect(() => {
    // A pin may have been clicked whose line is out of sight.
    if (selected !== null)
      list.current?.querySelector('[aria-expanded="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [selected])
  if (restaurants.length === 0) return <p class="empty">No restaurant is within reach.</p>
  return (
    <ol class="ranked" ref={list}>
      {restaurants.map((restaurant, i) => {
        const { id, row, score, distanceM } = restaurant
        const isOpen = id === selected
        const colour = scoreColour(score, range)
        return (
          <li key={id}>
            <button
              type="button"
              class="ranked-row"
              aria-expanded={isOpen}
              onClick={() => onSelect(isOpen ? null : id)}
            >
              <span class="rank" style={{ background: colour.fill, color: colour.ink }}>
                {i + 1}
              </span>
              <span class="ranked-name">
                <span class="ranked-id">{id}</span>
                <span class="ranked-words">{row ? describeRow(row) : ''}</span>
              </span>
              {compared && <Shift from={ranks.get(id)} to={i} />}
              <span class="ranked-figures">
                <span class="ranked-score">{score.toFixed(3)}</span>
                <span class="ranked-distance">{formatDistance(distanceM)}</span>
              </span>
            </button>
            {isOpen && explain(restaurant)}
          </li>
        )
      })}
    </ol>
  )
}

/** How much higher than in the other list. */
function Shift({ from, to }: { from: number | undefined; to: number }) {
  const by = from === undefined ? undefined : from - to
  if (by === undefined)
    return (
      <span class="shift" title="not in the other list">
        only here
      </span>
    )
  if (by === 0) return <span class="shift">=</span>
  const words = `${Math.abs(by)} ${by > 0 ? 'higher' : 'lower'} than in the other list`
  return (
    <span class={by > 0 ? 'shift is-up' : 'shift is-down'} title={words}>
      <span aria-hidden="true">
        {by > 0 ? '▲' : '▼'} {Math.abs(by)}
      </span>
      <span class="visually-hidden">{words}</span>
    </span>
  )
}
