import { DATASET_OPTIONS } from '../../dataset/options.ts'
import { givenOf } from '../../options/option.ts'
import type { Prepared } from '../run/prepareRun.ts'
import { declareDims } from './embeddingDims.ts'
import type { Search } from './planSearch.ts'
import { settingsOf, type Varied } from './space.ts'

/**
 * A config file of `train`: the options of the data as they were given, and all settings. No more rows are
 * held out than training does by itself.
 */
export function bestConfig(
  { options, features, settings: own }: Prepared,
  { base, given }: Search,
  varied: Varied,
): object {
  const declared = declareDims(features, options.features, varied.embeddingDims)
  return {
    ...givenOf(DATASET_OPTIONS, options),
    ...(Object.keys(declared).length > 0 && { features: declared }),
    ...settingsOf(base, varied, given),
    validation: own.validation,
  }
}
