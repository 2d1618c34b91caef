import type { RecommendQuery } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import type { ModelFeature } from '../api/modelFeatures.ts'
import { CopyButton } from '../parts/copyButton.tsx'
import { ErrorNote } from '../parts/errorNote.tsx'
import { AskedFields } from './askedFields.tsx'
import { curlCommand } from './curlCommand.ts'
import { ExplanationBars } from './explanationBars.tsx'
import type { Asked } from './exploreState.ts'
import { RankedList } from './rankedList.tsx'
import type { ScoreRange } from './scoreColours.ts'
import type { RankingState } from './useRanking.ts'

export interface RequestColumnProps {
  api: ConsoleApi
  title: string
  context: readonly ModelFeature[]
  asked: Asked
  query: RecommendQuery | undefined
  ranking: RankingState
  compared?: RankingState // by the other request; absent: there is none
  range: ScoreRange
  selected: string | null
  isOnMap: boolean
  onAsked: (asked: Asked) => void
  onSelect: (id: string | null) => void
  onCompare?: () => void // absent: there is another one already
  onShowOnMap?: () => void // absent: there is no choice
  onRemove?: () => void // absent: it must stay
}

/** One request: for whom it asks, and the list that has come of it. */
export function RequestColumn(props: RequestColumnProps) {
  const { api, title, context, asked, query, ranking, compared, range, selected } = props
  const { restaurants, isAverage, error } = ranking
  return (
    <section class="request-column" aria-label={title}>
      <ColumnHead {...props} />
      <AskedFields api={api} context={context} asked={asked} onAsked={props.onAsked} />
      {error !== undefined && <ErrorNote error={error} />}
      {isAverage && <p class="note">The server does not know this user, and ranks for the average one.</p>}
      {restaurants && query && (
        <>
          <div class="list-head">
            <h3>{restaurants.length === 1 ? '1 restaurant' : `${restaurants.length} restaurants`}</h3>
            <CopyButton
              label="Copy curl"
              text={() => curlCommand(asked.user, query, { root: api.root, hasKey: api.hasKey })}
            />
          </div>
          <RankedList
            restaurants={restaurants}
            range={range}
            selected={selected}
            onSelect={props.onSelect}
            explain={(restaurant) => (
              <ExplanationBars api={api} user={asked.user} query={query} restaurant={restaurant} />
            )}
            {...(compared?.restaurants && { compared: compared.restaurants })}
          />
        </>
      )}
    </section>
  )
}

function ColumnHead({ title, isOnMap, onCompare, onShowOnMap, onRemove }: RequestColumnProps) {
  return (
    <div class="column-head">
      <h2>{title}</h2>
      {onCompare && (
        <button type="button" class="quiet" onClick={onCompare}>
          Compare with another
        </button>
      )}
      {onShowOnMap && (
        <button type="button" class="quiet" aria-pressed={isOnMap} onClick={onShowOnMap}>
          {isOnMap ? 'On the map' : 'Show on map'}
        </button>
      )}
      {onRemove && (
        <button type="button" class="quiet" onClick={onRemove}>
          Remove
        </button>
      )}
    </div>
  )
}
