import type { PresetName, TrainSettings } from '../types.ts'
import { SETTINGS } from './trainSettings.ts'

/**
 * All settings by name: `reference` is the reference job to the letter, `default` what suits this kind of
 * data.
 */
export const PRESETS: Record<PresetName, TrainSettings> = {
  reference: presetOf('reference'),
  default: presetOf('default'),
}

function presetOf(name: PresetName): TrainSettings {
  const values = Object.entries(SETTINGS).map(([key, setting]) => [key, setting[name]])
  return Object.fromEntries(values) as TrainSettings
}
