import { Command } from 'commander'
import { DATASET_OPTIONS } from '../../dataset/options.ts'
import { resolveRun, resolveSettings } from '../../training/settings/resolveSettings.ts'
import { FROM } from '../../training/settings/fromOptions.ts'
import { RUN } from '../../training/settings/runOptions.ts'
import { SETTINGS } from '../../training/settings/trainSettings.ts'
import { PLACES, TRAIN_OPTIONS } from '../../training/settings/allTrainOptions.ts'
import type { TrainResult } from '../../training/types.ts'
import type { CommandContext } from '../commandContext.ts'
import { mergeOptions, readConfigFile } from '../configFile.ts'
import { addFlags, CONFIG_OPTION, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { pickKeys, print, printJson } from '../output/output.ts'
import { TrainProgress } from '../progress/trainProgress.ts'
import { renderTrainSummary } from '../output/trainSummary.ts'

const EPOCH_KEYS = ['epoch', 'rows', 'seconds', 'loss', 'rowsPerSecond', 'accuracy'] as const
const JSON_KEYS = [
  'preset',
  'rows',
  'epochs',
  'packSeconds',
  'trainSeconds',
  'peakRssBytes',
  'threads',
  'simd',
  'steps',
  'parameters',
] as const

/** `nearrank train`: Parquet files to a model folder. */
export function trainCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('train')
    .summary('train a model on Parquet files')
    .usage('--data <dir> --out <dir> [options]')
    .description('Trains a model. The rows are packed on first use; every epoch then streams them.')
  addFlags(command, 'Paths:', { ...PLACES, ...FROM })
  addFlags(command, 'Settings (the preset decides the defaults):', SETTINGS)
  addFlags(command, 'Run:', { ...RUN, ...CONFIG_OPTION, ...JSON_OPTION })
  addFlags(command, 'Data:', DATASET_OPTIONS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank train --data data --out model --epochs 2 --validation 0.01',
  )

  return command.action(async () => {
    const { config, json } = givenOptions(command, { ...CONFIG_OPTION, ...JSON_OPTION })
    const options = mergeOptions(
      config === undefined ? {} : await readConfigFile(config),
      givenOptions(command, TRAIN_OPTIONS),
      { action: 'train', out: 'the model' },
    )
    // What is wrong with the settings is known before DuckDB and the kernels are loaded.
    resolveSettings(options)
    resolveRun(options)
    const shown = new TrainProgress(progress)
    const { train } = await import('../../training/train.ts')
    let result: TrainResult
    try {
      result = await train({
        turbo: 'auto',
        ...options,
        signal: interrupt.signal,
        onProgress: (event) => shown.show(event),
      })
    } catch (error) {
      if (interrupt.exitCode === undefined) throw error
      throw shown.explainInterrupt(error)
    }
    progress.end()
    if (json)
      printJson({ ...result, epochs: result.epochs.map((epoch) => pickKeys(epoch, EPOCH_KEYS)) }, JSON_KEYS)
    else {
      const { readDatasetInfo } = await import('../../dataset/datasetInfo.ts')
      print(renderTrainSummary(result, (await readDatasetInfo(options.data))?.bayesAccuracy ?? null))
    }
  })
}
