import { formatCount } from '../../format.ts'
import type { Explanation } from '../../ranking/explain/types.ts'
import type { RankedRestaurant } from '../../ranking/ranker.ts'
import { shown } from '../../shown.ts'
import { renderTable } from './table.ts'

const FEATURES_SHOWN = 12
const VALUE_CHARS_MAX = 32

/** A ranked list as a table, followed by a table for each restaurant that is explained. */
export function recommendationText(restaurants: readonly RankedRestaurant[]): string {
  const list = renderTable(
    ['', 'restaurant', 'score', 'distance'],
    restaurants.map(({ id, score, displacement }, i) => [
      `${i + 1}`,
      String(id),
      score.toFixed(4),
      `${formatCount(displacement)} m`,
    ]),
    ['right', 'right', 'right', 'right'],
  )
  const explained = restaurants.flatMap((restaurant, i) =>
    restaurant.explanation ? [explanationText(restaurant, restaurant.explanation, i + 1)] : [],
  )
  return [list, ...explained].join('\n\n')
}

/** The effects from the largest on; those behind the first 12 together. */
function explanationText({ id, score }: RankedRestaurant, explanation: Explanation, place: number): string {
  const { baseline, logit, features } = explanation
  const rows = features
    .slice(0, FEATURES_SHOWN)
    .map(({ feature, effect, value, encoded }) => [signed(effect), feature, valueText(value), encoded])
  const rest = features.slice(FEATURES_SHOWN)
  if (rest.length > 0) {
    const sum = rest.reduce((total, { effect }) => total + effect, 0)
    rows.push([signed(sum), `${rest.length} ${rest.length === 1 ? 'other' : 'others'}`])
  }
  const head = `${place}. restaurant ${id}: score ${score.toFixed(4)}, logit ${signed(logit)} = ${signed(baseline)} of the average and the effects`
  return `${head}\n${renderTable(['effect', 'feature', 'value', 'encoded'], rows, ['right', 'left', 'left', 'left'])}`
}

/** `+0.612`, `−1.204`; 0 without a sign. */
function signed(value: number): string {
  const text = Math.abs(value).toFixed(3)
  if (Number(text) === 0) return '0'
  return `${value < 0 ? '−' : '+'}${text}`
}

function valueText(value: Explanation['features'][number]['value']): string {
  if (value === null || value === undefined) return '–'
  return typeof value === 'string' && value.length <= VALUE_CHARS_MAX ? value : shown(value, VALUE_CHARS_MAX)
}
