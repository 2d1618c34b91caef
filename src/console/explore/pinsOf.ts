import { describeRow } from './describeRow.ts'
import type { Pin } from './map/pins.ts'
import { scoreColour, type ScoreRange } from './scoreColours.ts'
import type { RankedRestaurant } from './useRanking.ts'

/** The pins of a list. */
export function pinsOf(
  restaurants: readonly RankedRestaurant[],
  { range, selected }: { range: ScoreRange; selected: string | null },
): Pin[] {
  return restaurants.flatMap(({ id, row, score }, i) => {
    if (!row) return []
    const { latitude, longitude } = row
    const label = [`${i + 1}. ${id}`, describeRow(row), score.toFixed(3)].filter(Boolean).join(' · ')
    const colour = scoreColour(score, range)
    return [{ id, rank: i + 1, latitude, longitude, colour, label, isSelected: id === selected }]
  })
}
