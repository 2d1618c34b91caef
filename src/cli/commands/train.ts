import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { CONFIG_SCHEMA, resolveRun, resolveSettings } from '../../training/settings/settings.ts'
import type { TrainOptions, TrainResult } from '../../training/types.ts'
import type { CommandContext } from '../commandContext.ts'
import { readConfigFile } from '../configFile.ts'
import { DATASET_FLAGS } from '../flags/dataset.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { pickKeys, print, printJson } from '../output/output.ts'
import { RUN_FLAGS, SETTINGS_FLAGS, TRAIN_PLACE_FLAGS } from '../flags/train.ts'
import { TrainProgress } from '../progress/trainProgress.ts'
import { renderTrainSummary } from '../output/trainSummary.ts'
import { parseText } from '../flags/values.ts'

const OWN_FLAGS: Flag[] = [
  {
    flags: '--config <file>',
    key: 'config',
    parse: parseText,
    help: 'JSON with these options in camelCase; flags win',
  },
  { flags: '--json', key: 'json', help: 'print one JSON object at the end' },
]

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

/** `nearrank train`: Parquet files to a model directory. */
export function trainCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('train')
    .summary('Parquet files to a model')
    .usage('--data <dir> --out <dir> [options]')
    .description('Trains a model. The rows are packed on first use; every epoch then streams them.')
  addFlags(command, 'Places:', TRAIN_PLACE_FLAGS, CONFIG_SCHEMA)
  addFlags(command, 'Settings (each preset has its own):', SETTINGS_FLAGS, CONFIG_SCHEMA)
  addFlags(command, 'Run:', [...RUN_FLAGS, ...OWN_FLAGS], CONFIG_SCHEMA)
  addFlags(command, 'Data:', DATASET_FLAGS, CONFIG_SCHEMA)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank train --data data --out model --epochs 2 --validation 0.01',
  )

  return command.action(async () => {
    const { config, json } = givenOptions(command, OWN_FLAGS)
    const flags = givenOptions(command, [
      ...TRAIN_PLACE_FLAGS,
      ...SETTINGS_FLAGS,
      ...RUN_FLAGS,
      ...DATASET_FLAGS,
    ])
    const options = mergeOptions(typeof config === 'string' ? await readConfigFile(config) : {}, flags)
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

/** Flags win over the config file; what neither has comes from the preset, later. @throws NearrankError USAGE without `data` or `out`. */
function mergeOptions(config: Partial<TrainOptions>, flags: Partial<TrainOptions>): TrainOptions {
  const { data, out, ...rest } = { ...config, ...flags }
  if (data === undefined)
    throw new NearrankError('USAGE', 'Cannot train: --data DIR is missing, the folder with the Parquet files')
  if (out === undefined)
    throw new NearrankError('USAGE', 'Cannot train: --out DIR is missing, the folder for the model')
  const columns = { ...config.columns, ...flags.columns }
  return { ...rest, data, out, ...(Object.keys(columns).length > 0 ? { columns } : {}) }
}
