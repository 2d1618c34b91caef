import type { TrainSettings } from '../types.ts'

/**
 * The learning rate of step `step` (from 1) of `steps`: a linear rise over warmupSteps, then constant, or
 * falling to 0 at the last step along a line or half a cosine.
 */
export function learningRateAt(
  settings: Pick<TrainSettings, 'learningRate' | 'schedule' | 'warmupSteps'>,
  step: number,
  steps: number,
): number {
  const { learningRate, schedule, warmupSteps } = settings
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps
  if (schedule === 'constant') return learningRate
  // Of groups, the number of steps is an estimate.
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps))
  return learningRate * (schedule === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2)
}
