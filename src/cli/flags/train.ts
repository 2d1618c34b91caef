import type { Flag } from './flags.ts'
import {
  choiceOf,
  parseInteger,
  parseIntegers,
  parseNames,
  parseNumber,
  parseSize,
  parseText,
} from './values.ts'

/** Where things are. */
export const TRAIN_PLACE_FLAGS: Flag[] = [
  { flags: '--data <dir>', key: 'data', parse: parseText, help: 'folder with the Parquet files (required)' },
  {
    flags: '--out <dir>',
    key: 'out',
    parse: parseText,
    help: 'model folder (required); an earlier model is replaced',
  },
  {
    flags: '--preset <name>',
    key: 'preset',
    parse: choiceOf(['default', 'reference']),
    help: 'default, or reference (the reference job)',
  },
]

/** The flags of `TrainSettings`. */
export const SETTINGS_FLAGS: Flag[] = [
  { flags: '--epochs <n>', key: 'epochs', parse: parseInteger, help: 'times that every row is learned from' },
  {
    flags: '--learning-rate <x>',
    key: 'learningRate',
    parse: parseNumber,
    help: 'of the first step after the warm-up',
  },
  {
    flags: '--schedule <name>',
    key: 'schedule',
    parse: choiceOf(['constant', 'linear', 'cosine']),
    help: 'constant, or linear or cosine down to 0',
  },
  {
    flags: '--warmup-steps <n>',
    key: 'warmupSteps',
    parse: parseInteger,
    help: 'steps in which the rate rises from 0',
  },
  { flags: '--batch-size <rows>', key: 'batchSize', parse: parseInteger, help: 'rows of one step' },
  {
    flags: '--hidden <units>',
    key: 'hidden',
    parse: parseIntegers,
    help: '256,128: units of each hidden layer; or none',
  },
  {
    flags: '--activations <names>',
    key: 'activations',
    parse: parseNames,
    help: 'none,relu: after each; with new --hidden all relu',
  },
  {
    flags: '--optimizer-beta1 <b>',
    term: '--optimizer-beta1, --optimizer-beta2 <b>',
    key: 'beta1',
    parse: parseNumber,
    help: "Adam's decay of both moments",
  },
  { flags: '--optimizer-beta2 <b>', key: 'beta2', parse: parseNumber },
  { flags: '--optimizer-epsilon <e>', key: 'epsilon', parse: parseNumber, help: "Adam's ε" },
  {
    flags: '--optimizer-weight-decay <w>',
    key: 'weightDecay',
    parse: parseNumber,
    help: 'decoupled, as in AdamW; 0: plain Adam',
  },
  {
    flags: '--shuffle',
    term: '--shuffle, --no-shuffle',
    key: 'shuffle',
    help: 'rows in random order, or in the order of the files',
  },
  { flags: '--no-shuffle', key: 'shuffle' },
  {
    flags: '--normalize',
    term: '--normalize, --no-normalize',
    key: 'normalize',
    help: 'features to mean 0, deviation 1, or as they are',
  },
  { flags: '--no-normalize', key: 'normalize' },
  { flags: '--seed <n>', key: 'seed', parse: parseInteger, help: 'of initial weights, order and split' },
  {
    flags: '--validation <share>',
    key: 'validation',
    parse: parseNumber,
    help: '0.01: share of the rows held out, 0 to 0.5',
  },
  {
    flags: '--keep <which>',
    key: 'keep',
    parse: choiceOf(['best', 'last']),
    help: 'weights of the best (by validation loss) or last epoch',
  },
  {
    flags: '--patience <epochs>',
    key: 'patience',
    parse: parseInteger,
    help: 'stop after so many without a better one; 0: never',
  },
]

/** The flags of `TrainRun`. */
export const RUN_FLAGS: Flag[] = [
  {
    flags: '--threads <n>',
    key: 'threads',
    parse: parseInteger,
    help: 'default all cores; the result does not depend on it',
  },
  {
    flags: '--max-memory <size>',
    key: 'maxMemoryBytes',
    parse: parseSize,
    help: '1GiB (default), 768MiB, bytes: for the whole process',
  },
  {
    flags: '--checkpoint-seconds <s>',
    key: 'checkpointSeconds',
    parse: parseNumber,
    help: 'time between checkpoints, default 60; 0: none',
  },
  {
    flags: '--turbo <when>',
    key: 'turbo',
    parse: choiceOf(['auto', 'on', 'off']),
    help: 'the same result sooner: auto (default), on, off',
  },
  { flags: '--resume', key: 'resume', help: 'go on from the checkpoint, if there is one' },
]
