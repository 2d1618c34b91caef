import { useState } from 'preact/hooks'
import type { Explanation, FeatureEffect, RecommendQuery } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { RankedRestaurant } from './useRanking.ts'

const SHOWN = 8 // effects, until all are asked for
const VALUE_CHARS_MAX = 60

export interface ExplanationBarsProps {
  api: ConsoleApi
  user: string
  query: RecommendQuery
  restaurant: RankedRestaurant
}

/** What each feature added to the score of one restaurant. */
export function ExplanationBars({ api, user, query, restaurant }: ExplanationBarsProps) {
  const { wireId } = restaurant
  const { value, error, isRunning, again } = useCall(
    async (signal) => {
      const asked = { ...query, candidateRestaurantIds: [wireId], size: 1, explain: true }
      const { restaurants } = await api.client.recommend(user, asked, { signal })
      return restaurants[0]?.explanation
    },
    [api, user, JSON.stringify(query), restaurant.id],
  )
  return (
    <div class="explanation">
      {error !== undefined && <ErrorNote error={error} onRetry={again} />}
      {isRunning && !value && <p role="status">Explaining…</p>}
      {!isRunning && error === undefined && !value && <p>It is not in the list any more.</p>}
      {value && <Effects explanation={value} score={restaurant.score} />}
    </div>
  )
}

function Effects({
  explanation: { baseline, logit, features },
  score,
}: {
  explanation: Explanation
  score: number
}) {
  const [showsAll, setShowsAll] = useState(false)
  const shown = showsAll ? features : features.slice(0, SHOWN)
  const largest = Math.max(...features.map(({ effect }) => Math.abs(effect)), 1e-9)
  return (
    <>
      <p>
        An average user, restaurant and request would have the logit {signed(baseline)}. These features move
        it to <strong>{signed(logit)}</strong>, the score {score.toFixed(3)}:
      </p>
      <table class="effects">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Feature and value</th>
            <th scope="col">Added to the logit</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <EffectRow key={one.feature} effect={one} largest={largest} />
          ))}
        </tbody>
      </table>
      {features.length > shown.length && (
        <button type="button" class="quiet" onClick={() => setShowsAll(true)}>
          Show all {features.length} features
        </button>
      )}
    </>
  )
}

function EffectRow({
  effect: { feature, effect, value, encoded },
  largest,
}: {
  effect: FeatureEffect
  largest: number
}) {
  return (
    <tr>
      <th scope="row">
        {feature}
        <span class="effect-value" title={encoded}>
          {valueText(value)}
        </span>
      </th>
      <td class="effect-size">
        <span class={effect < 0 ? 'bar is-negative' : 'bar'} aria-hidden="true">
          <span style={{ width: `${(50 * Math.abs(effect)) / largest}%` }} />
        </span>
        {signed(effect)}
      </td>
    </tr>
  )
}

function valueText(value: FeatureEffect['value']): string {
  if (value === null) return 'missing'
  const one = (part: string | number | bigint | boolean | null) =>
    typeof part === 'number' && !Number.isInteger(part) ? part.toPrecision(4) : String(part ?? 'missing')
  const text = [value].flat().map(one).join(', ')
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text
}

function signed(logit: number): string {
  return `${logit < 0 ? '−' : '+'}${Math.abs(logit).toFixed(2)}`
}
