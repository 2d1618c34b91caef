import { hasValidationPart } from '../../dataset/parts.ts'
import type { DatasetOptions } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { checkNetwork } from '../../model/network.ts'
import { checkKeys } from '../../options/checkOptions.ts'
import { defaultsOf, givenOf } from '../../options/option.ts'
import { GOING_ON, PRESETS } from './presets.ts'
import type { PresetName, TrainRun, TrainSettings } from '../types.ts'
import { RUN } from './runOptions.ts'
import { SETTINGS } from './trainSettings.ts'
import { PLACES } from './allTrainOptions.ts'

const WHERE = 'the options of train'

/**
 * Merges a preset with what overrides it, and checks every value. Keys that are no settings are left alone,
 * so that whole `TrainOptions` can be given; `undefined` means "not given". Two values follow from others
 * where they are not given: new `hidden` layers are all relu, and without validation rows there is no best
 * epoch, so the last is kept. If these are a part of the clicks, `validation` is 0.
 * @throws NearrankError USAGE: the key, what was wanted, what was found.
 */
export function resolveSettings(
  options: { preset?: PresetName | undefined; from?: string | undefined } & Pick<
    DatasetOptions,
    'validationAfter' | 'validationFiles'
  > & { [K in keyof TrainSettings]?: TrainSettings[K] | undefined },
): TrainSettings {
  const { preset = 'default', from } = options
  checkKeys(PLACES, { preset }, WHERE)
  const given = givenOf(SETTINGS, options)
  checkKeys(SETTINGS, given, WHERE)

  const own = from === undefined || preset !== 'default' ? {} : GOING_ON
  const settings: TrainSettings = { ...structuredClone(PRESETS[preset]), ...own, ...structuredClone(given) }
  if (given.hidden && !given.activations) settings.activations = given.hidden.map(() => 'relu')
  const hasPart = hasValidationPart(options)
  if (hasPart && (given.validation ?? 0) > 0)
    throw new NearrankError(
      'USAGE',
      `Cannot use validation ${given.validation} with ${options.validationFiles === undefined ? 'validationAfter' : 'validationFiles'}: validation rows are a share of the training rows, or a part of their own; give one of the two`,
    )
  if (hasPart) settings.validation = 0
  const isValidated = hasPart || settings.validation > 0
  if (!isValidated && !given.keep) settings.keep = 'last'

  // The counts of features come with the data; 1 stands for them, since only the layers are checked here.
  checkNetwork({ ...settings, userFeatures: 1, restaurantFeatures: 1 })
  for (const [key, isWanted] of [
    ['keep best', settings.keep === 'best'],
    ['patience', settings.patience > 0],
  ] as const)
    if (isWanted && !isValidated)
      throw new NearrankError(
        'USAGE',
        `Cannot use ${key} without a validation split: validation is 0. Set validation to a share of the rows, such as 0.01.`,
      )
  return settings
}

/** How to run, with defaults. @throws NearrankError USAGE as `resolveSettings`. */
export function resolveRun(options: { [K in keyof TrainRun]?: TrainRun[K] | undefined }): TrainRun {
  const given = givenOf(RUN, options)
  checkKeys(RUN, given, WHERE)
  return { ...defaultsOf(RUN), ...given }
}
