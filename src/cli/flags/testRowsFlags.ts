import type { Command } from 'commander'
import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import type { OptionTable } from '../../options/option.ts'
import { EVALUATE_RUN } from '../../training/settings/evaluateOptions.ts'
import { addFlags, givenOptions, JSON_OPTION } from './flags.ts'

const PLACES = { ...DATA_OPTION, ...MODEL_OPTION }
const DATA = optionsReading('test')

/** Adds the flags of a command that measures a model on the test clicks, `own` among them. */
export function addTestRowsFlags(command: Command, own: OptionTable, places: OptionTable = PLACES): void {
  addFlags(command, 'Paths:', places)
  addFlags(command, 'Run:', { ...own, ...EVALUATE_RUN, ...JSON_OPTION })
  addFlags(command, 'Data (default: the columns that the model was trained with):', DATA)
}

/**
 * What was given of them, but for `--json`. `cannot`: the start of the error, such as `Cannot evaluate`.
 * @throws NearrankError USAGE without the data or the model.
 */
export function givenTestRows<T extends OptionTable>(command: Command, own: T, cannot: string) {
  const { data, model } = givenOptions(command, PLACES)
  if (data === undefined || model === undefined)
    throw new NearrankError(
      'USAGE',
      `${cannot}: ${data === undefined ? '--data DIR' : '--model DIR'} is missing`,
    )
  return {
    data,
    model,
    ...givenOptions(command, { ...EVALUATE_RUN, ...DATA }),
    ...givenOptions(command, own),
  }
}
