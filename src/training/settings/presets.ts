import type { PresetName, TrainSettings } from '../types.ts'
import { type BASE_PRESETS, SETTINGS } from './trainSettings.ts'

/**
 * All settings by name: `reference` is the reference job to the letter, `reference-128` the same in batches
 * of 128, which take eight times as many steps and learn far more at its learning rate; `default` is what
 * suits this kind of data.
 */
export const PRESETS: Record<PresetName, TrainSettings> = {
  reference: presetOf('reference'),
  'reference-128': { ...presetOf('reference'), batchSize: 128 },
  default: presetOf('default'),
}

/** What the default preset has otherwise if a run goes on from a model. See docs/BENCHMARKS.md. */
export const GOING_ON: Partial<TrainSettings> = { epochs: 2, learningRate: 1e-3, warmupSteps: 0 }

function presetOf(name: (typeof BASE_PRESETS)[number]): TrainSettings {
  const values = Object.entries(SETTINGS).map(([key, setting]) => [key, setting[name]])
  return Object.fromEntries(values) as TrainSettings
}
