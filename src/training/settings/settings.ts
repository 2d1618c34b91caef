import { availableParallelism } from 'node:os'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { NearrankError } from '../../errors.ts'
import { checkNetwork } from '../../model/network.ts'
import { PRESETS } from './presets.ts'
import type { PresetName, TrainRun, TrainSettings } from '../types.ts'

const MEBIBYTE = 2 ** 20

// Each description completes the sentence "wanted …": it is what a person reads when the value is wrong.
const integer = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, description: `an integer from ${minimum} to ${maximum}` })
const number = (minimum: number, maximum: number) =>
  Type.Number({ minimum, maximum, description: `a number from ${minimum} to ${maximum}` })
const positive = (maximum: number) =>
  Type.Number({ exclusiveMinimum: 0, maximum, description: `a number above 0 and at most ${maximum}` })
const fraction = () =>
  Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'a number from 0 to below 1' })
const boolean = () => Type.Boolean({ description: 'true or false' })
const oneOf = <T extends string>(...values: T[]) =>
  Type.Enum(values, { description: `one of ${values.join(', ')}` })
const text = () => Type.String({ minLength: 1, maxLength: 4096, description: 'a text that is not empty' })
const texts = () => Type.Array(text(), { minItems: 1, maxItems: 4096, description: 'a list of texts' })
const globs = () => Type.Union([text(), texts()], { description: 'a glob, or a list of globs' })

/** What each of `TrainSettings` may be. */
export const SETTINGS_SCHEMA = {
  epochs: integer(1, 10_000),
  learningRate: positive(10),
  schedule: oneOf('constant', 'linear', 'cosine'),
  warmupSteps: integer(0, 1_000_000_000),
  batchSize: integer(1, 65_536),
  hidden: Type.Array(integer(1, 4096), {
    maxItems: 16,
    description: 'a list of at most 16 integers from 1 to 4096, the units of each hidden layer',
  }),
  activations: Type.Array(oneOf('none', 'relu'), {
    maxItems: 16,
    description: 'a list of none and relu, one for each hidden layer',
  }),
  beta1: fraction(),
  beta2: fraction(),
  epsilon: positive(1),
  weightDecay: number(0, 1),
  shuffle: boolean(),
  normalize: boolean(),
  seed: integer(0, Number.MAX_SAFE_INTEGER),
  validation: number(0, 0.5),
  keep: oneOf('best', 'last'),
  patience: integer(0, 10_000),
} satisfies Record<keyof TrainSettings, Type.TSchema>

/** What each of `TrainRun` may be. */
export const RUN_SCHEMA = {
  threads: integer(1, 256),
  maxMemoryBytes: Type.Integer({
    minimum: 64 * MEBIBYTE,
    maximum: 2 ** 50,
    description: 'a number of bytes, at least 67108864 (64MiB)',
  }),
  checkpointSeconds: number(0, 86_400),
  turbo: oneOf('off', 'auto', 'on'),
  resume: boolean(),
} satisfies Record<keyof TrainRun, Type.TSchema>

/** What a config file may hold: every option of training that is plain data. */
export const CONFIG_SCHEMA = {
  preset: oneOf('default', 'reference'),
  ...SETTINGS_SCHEMA,
  ...RUN_SCHEMA,
  data: text(),
  out: text(),
  userFile: text(),
  restaurantFile: text(),
  trainFiles: globs(),
  testFiles: globs(),
  columns: Type.Object(
    { userId: text(), restaurantId: text(), click: text(), latitude: text(), longitude: text() },
    { description: 'an object of column names' },
  ),
  userFeatures: texts(),
  restaurantFeatures: texts(),
  onMissing: oneOf('fail', 'drop'),
  cache: text(),
}

type Schema = Record<string, Type.TSchema & { description?: string }>

/**
 * Merges a preset with what overrides it, and checks every value. Keys that are no settings are left alone, so that
 * whole `TrainOptions` can be given; `undefined` means "not given". Two values follow from others where they are not
 * given: new `hidden` layers are all relu, and with `validation` 0 there is no best epoch, so the last is kept.
 * @throws NearrankError USAGE: the key, what was wanted, what was found.
 */
export function resolveSettings(
  options: { preset?: PresetName | undefined } & {
    [K in keyof TrainSettings]?: TrainSettings[K] | undefined
  },
): TrainSettings {
  const { preset = 'default' } = options
  checkValue(CONFIG_SCHEMA, 'preset', preset, 'the options of training')
  const given = pick(SETTINGS_SCHEMA, options) as Partial<TrainSettings>
  for (const [key, value] of Object.entries(given))
    checkValue(SETTINGS_SCHEMA, key, value, 'the options of training')

  const settings: TrainSettings = { ...structuredClone(PRESETS[preset]), ...structuredClone(given) }
  if (given.hidden && !given.activations) settings.activations = given.hidden.map(() => 'relu')
  if (settings.validation === 0 && !given.keep) settings.keep = 'last'

  // The counts of features come with the data; 1 stands for them, since only the layers are checked here.
  checkNetwork({ ...settings, userFeatures: 1, restaurantFeatures: 1 })
  for (const [key, isWanted] of [
    ['keep best', settings.keep === 'best'],
    ['patience', settings.patience > 0],
  ] as const)
    if (isWanted && settings.validation === 0)
      throw new NearrankError(
        'USAGE',
        `Cannot use ${key} without a validation split: validation is 0. Set validation to a share of the rows, such as 0.01.`,
      )
  return settings
}

/** How to run: defaults are every core, 1 GiB, a checkpoint a minute, no resuming. @throws NearrankError USAGE as `resolveSettings`. */
export function resolveRun(options: { [K in keyof TrainRun]?: TrainRun[K] | undefined }): TrainRun {
  const given = pick(RUN_SCHEMA, options) as Partial<TrainRun>
  for (const [key, value] of Object.entries(given))
    checkValue(RUN_SCHEMA, key, value, 'the options of training')
  return {
    threads: Math.min(availableParallelism(), 256),
    maxMemoryBytes: 1024 * MEBIBYTE,
    checkpointSeconds: 60,
    turbo: 'off',
    resume: false,
    ...given,
  }
}

/**
 * Checks what a caller of `train` or `evaluate` gives: no unknown key, no wrong value, the `required` ones there. Keys that are undefined
 * count as not given. @throws NearrankError USAGE
 */
export function checkOptions(options: unknown, required: string[], more: Schema = {}): void {
  if (!isPlainObject(options))
    throw new NearrankError(
      'USAGE',
      'Cannot begin without options: an object is wanted, such as { data, out }',
    )
  const { signal, onProgress, ...rest } = options
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  for (const key of required)
    if (!Object.hasOwn(given, key))
      throw new NearrankError('USAGE', `Cannot begin: the option ${key} is missing`)
  checkKeys({ ...CONFIG_SCHEMA, ...more }, given, 'the options')
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new NearrankError('USAGE', 'Cannot use the options: signal must be an AbortSignal')
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new NearrankError('USAGE', 'Cannot use the options: onProgress must be a function')
}

/** Options of `evaluate` beside those of a data set. */
export const MODEL_SCHEMA = { model: text() }

/**
 * Checks that each key of `values` is one of `schema` and holds what it may. `where` names the place in messages.
 * @throws NearrankError USAGE: an unknown key with the nearest known one; or the key, what was wanted, what was found.
 */
export function checkKeys(schema: Schema, values: object, where: string, prefix = ''): void {
  for (const [key, value] of Object.entries(values)) {
    if (!Object.hasOwn(schema, key)) {
      const guess = nearest(key, Object.keys(schema))
      throw new NearrankError(
        'USAGE',
        `Cannot use ${where}: unknown key "${prefix}${key}". ${
          guess ? `Did you mean "${prefix}${guess}"?` : `Known keys: ${Object.keys(schema).join(', ')}.`
        }`,
      )
    }
    const inner = (schema[key] as { properties?: Schema }).properties
    if (inner && isPlainObject(value)) checkKeys(inner, value, where, `${prefix}${key}.`)
    else checkValue(schema, key, value, where, prefix)
  }
}

/** What `key` may be, in words, where `value` is not that; otherwise undefined. */
export function wantedInstead(schema: Schema, key: string, value: unknown): string | undefined {
  return Value.Check(schema[key], value) ? undefined : (schema[key].description ?? 'another value')
}

/** The one of `known` that was most likely meant by `word`: at most two letters in five differ; otherwise undefined. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const distances = known.map((name) => editDistance(word.toLowerCase(), name.toLowerCase()))
  const best = Math.min(...distances)
  const i = distances.indexOf(best)
  return i >= 0 && best <= Math.max(word.length, known[i].length) * 0.4 ? known[i] : undefined
}

/** The fewest letters to insert, delete, replace or swap with their neighbour. Words are short, so O(n·m) is nothing. */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, j) => j)] // [from + 1, to + 1]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = rows[i - 1][j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, rows[i - 1][j] + 1, row[j - 1] + 1))
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1)
    }
    rows.push(row)
  }
  return rows[from.length][to.length]
}

function checkValue(schema: Schema, key: string, value: unknown, where: string, prefix = ''): void {
  const wanted = wantedInstead(schema, key, value)
  if (wanted !== undefined)
    throw new NearrankError(
      'USAGE',
      `Cannot use ${where}: ${prefix}${key} must be ${wanted}, found ${shown(value)}`,
    )
}

function shown(value: unknown): string {
  const json = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return json.length > 80 ? `${json.slice(0, 80)}…` : json
}

function pick(schema: object, options: object): object {
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => Object.hasOwn(schema, key) && value !== undefined),
  )
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
