import { Command } from 'commander'
import { DATA_OPTION, optionsReading } from '../../dataset/options.ts'
import { NearrankError } from '../../errors.ts'
import { COMPARE } from '../../training/settings/compareOptions.ts'
import { EVALUATE, EVALUATE_RUN } from '../../training/settings/evaluateOptions.ts'
import type { CommandContext } from '../commandContext.ts'
import { givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { addTestRowsFlags } from '../flags/testRowsFlags.ts'
import { renderComparison } from '../output/comparisonTables.ts'
import { print, printJson } from '../output/output.ts'
import { TrainProgress } from '../progress/trainProgress.ts'

const PLACES = { ...DATA_OPTION, ...COMPARE }
const JSON_KEYS = ['by', 'units', 'share', 'rows', 'differences', 'seconds'] as const

/** `nearrank compare`: whether models are better than another one. */
export function compareCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('compare')
    .summary('tell whether a model is better than another one')
    .usage('--data <dir> --models <dirs> [options]')
    .description('Compares models with the first of them on the test clicks, by differences with intervals.')
  addTestRowsFlags(command, EVALUATE, PLACES)
  command.addHelpText('after', '\nExample:\n  nearrank compare --data data --models model,new')

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const { data, models } = givenOptions(command, PLACES)
    if (data === undefined || models === undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot compare: ${data === undefined ? '--data DIR' : '--models A,B'} is missing`,
      )
    const given = givenOptions(command, { ...EVALUATE, ...EVALUATE_RUN, ...optionsReading('test') })
    const shown = new TrainProgress(progress)
    const { compare } = await import('../../training/compare.ts')
    const found = await compare({
      data,
      models,
      ...given,
      signal: interrupt.signal,
      onProgress: (event) => shown.show(event),
    })
    progress.end()
    if (json) printJson(found, JSON_KEYS)
    else print(renderComparison(found))
  })
}
