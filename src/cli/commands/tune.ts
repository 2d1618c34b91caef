import { Command } from 'commander'
import { DATA_OPTION, DATASET_OPTIONS } from '../../dataset/options.ts'
import { TUNE, TUNE_OPTIONS, TUNE_RUN } from '../../training/settings/tuneOptions.ts'
import { SETTINGS } from '../../training/settings/trainSettings.ts'
import type { CommandContext } from '../commandContext.ts'
import { mergeOptions, readConfigFile } from '../configFile.ts'
import { addFlags, CONFIG_OPTION, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTune } from '../output/tuneTable.ts'
import { showTune } from '../progress/tuneProgress.ts'

const JSON_KEYS = [
  'measure',
  'searched',
  'epochs',
  'heldOut',
  'trials',
  'best',
  'trainings',
  'skipped',
  'config',
  'seconds',
] as const

/** `nearrank tune`: better settings than the preset's, as a config file. */
export function tuneCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('tune')
    .summary('search for better settings of train')
    .usage('--data <dir> --out <dir> [options]')
    .description(
      'Tries settings at random, the best of them for longer. Settings that you give are not varied.',
    )
  const { out, preset, ...search } = TUNE
  addFlags(command, 'Paths:', { ...DATA_OPTION, out, preset })
  addFlags(command, 'Search:', { ...search, ...TUNE_RUN, ...CONFIG_OPTION, ...JSON_OPTION })
  addFlags(command, 'Settings (the preset decides the defaults):', SETTINGS)
  addFlags(command, 'Data:', DATASET_OPTIONS)
  command.addHelpText('after', '\nExample:\n  nearrank tune --data data --out tuned --trials 20')

  return command.action(async () => {
    const { config, json } = givenOptions(command, { ...CONFIG_OPTION, ...JSON_OPTION })
    const options = mergeOptions(
      config === undefined ? {} : await readConfigFile(config),
      givenOptions(command, TUNE_OPTIONS),
      { action: 'tune', out: 'the search' },
    )
    const { tune } = await import('../../training/tune.ts')
    const report = await tune({
      turbo: 'auto',
      ...options,
      signal: interrupt.signal,
      onProgress: (event) => showTune(progress, event),
    })
    progress.end()
    if (json) printJson(report, JSON_KEYS)
    else print(renderTune(report, options.data))
  })
}
