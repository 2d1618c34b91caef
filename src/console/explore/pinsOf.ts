import { describeRow } from './describeRow.ts'
import type { Pin } from './map/pins.ts'
import { samePlacesBefore } from './samePlacesBefore.ts'
import { scoreColour, type ScoreRange } from './scoreColours.ts'
import type { RankedRestaurant } from './useRanking.ts'

/** The pins of a list. */
export function pinsOf(
  restaurants: readonly RankedRestaurant[],
  { range, selected }: { range: ScoreRange; selected: string | null },
): Pin[] {
  const shown = restaurants.flatMap(({ row, ...ranked }, i) => (row ? [{ ...ranked, row, rank: i + 1 }] : []))
  const before = samePlacesBefore(shown.map(({ row }) => row))
  return shown.map(({ id, row, score, rank }, i) => {
    const { latitude, longitude } = row
    const label = [`${rank}. ${id}`, describeRow(row), score.toFixed(3)].filter(Boolean).join(' · ')
    const colour = scoreColour(score, range)
    const isSelected = id === selected
    return { id, rank, latitude, longitude, before: before[i], colour, label, isSelected }
  })
}
