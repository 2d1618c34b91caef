/** A colour and that of a text on it, which differ by at least 4.5 to 1. */
export interface ScoreColour {
  fill: string
  ink: string
}

// Viridis (van der Walt and Smith 2015) from low to high: its lightness alone tells the order, to every eye.
const COLOURS: readonly ScoreColour[] = [
  { fill: '#fde725', ink: '#000000' },
  { fill: '#90d743', ink: '#000000' },
  { fill: '#35b779', ink: '#000000' },
  { fill: '#21918c', ink: '#000000' },
  { fill: '#31688e', ink: '#ffffff' },
  { fill: '#443983', ink: '#ffffff' },
  { fill: '#440154', ink: '#ffffff' },
]

export const COLOUR_STEPS = COLOURS.length

/** Lowest and highest score of what is shown together. */
export interface ScoreRange {
  low: number
  high: number
}

export function rangeOf(scores: readonly number[]): ScoreRange {
  if (scores.length === 0) return { low: 0, high: 1 }
  return { low: Math.min(...scores), high: Math.max(...scores) }
}

/** The colour of a score, by its place within the range. */
export function scoreColour(score: number, { low, high }: ScoreRange): ScoreColour {
  return COLOURS[colourStep(score, { low, high })]
}

/** 0 … COLOUR_STEPS − 1; equal scores are all the highest. */
export function colourStep(score: number, { low, high }: ScoreRange): number {
  if (high <= low) return COLOUR_STEPS - 1
  const share = (score - low) / (high - low)
  return Math.min(COLOUR_STEPS - 1, Math.max(0, Math.floor(COLOUR_STEPS * share)))
}
