import { parseJson } from '../json/parseJson.ts'
import { readFile, stat } from 'node:fs/promises'
import { messageOf, NearrankError } from '../errors.ts'
import { isMissing } from '../files.ts'
import { duplicateKey } from '../json/duplicateKey.ts'
import { checkKeys } from '../options/checkOptions.ts'
import { TRAIN_OPTIONS } from '../training/settings/allTrainOptions.ts'
import type { TrainOptions } from '../training/types.ts'

const CONFIG_BYTES_MAX = 2 ** 20

/** What a config file of `nearrank train` may hold: the options of the library that are plain data. */
export type TrainConfig = Partial<Omit<TrainOptions, 'signal' | 'onProgress'>>

/**
 * Reads a config file: a JSON object, checked completely.
 * @throws NearrankError INPUT if it cannot be read or is no JSON object, USAGE for an unknown key or a wrong
 * value.
 */
export async function readConfigFile(path: string): Promise<TrainConfig> {
  const wrong = (reason: string, cause?: unknown) =>
    new NearrankError('INPUT', `Cannot use the config file ${path}: ${reason}`, { cause })
  let text: string
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw wrong('it must be a file, found a folder')
    const { size } = found
    if (size > CONFIG_BYTES_MAX)
      throw wrong(`it must be at most ${CONFIG_BYTES_MAX} bytes, found ${size}. Is it the right file?`)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof NearrankError) throw error
    throw wrong(isMissing(error) ? 'there is no such file' : messageOf(error), error)
  }
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw wrong(
      `it is not valid JSON (${messageOf(error)}). It must be an object such as {"epochs": 2}.`,
      error,
    )
  }
  const twice = duplicateKey(text)
  if (twice !== undefined) throw wrong(`the key ${twice} appears twice. Remove one.`)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('it must be a JSON object such as {"epochs": 2}, found another value.')
  checkKeys(TRAIN_OPTIONS, value, `the config file ${path}`)
  return value
}

/**
 * Flags win over the config file; what neither has comes from the preset, later.
 * @throws NearrankError USAGE without `data` or `out`: the folder for what.
 */
export function mergeOptions<T extends TrainConfig>(
  config: TrainConfig,
  flags: T,
  { action, out: forWhat }: { action: string; out: string },
): TrainConfig & T & { data: string; out: string } {
  const { data, out, ...rest } = { ...config, ...flags }
  if (data === undefined)
    throw new NearrankError(
      'USAGE',
      `Cannot ${action}: --data DIR is missing; give the folder with the Parquet files`,
    )
  if (out === undefined)
    throw new NearrankError('USAGE', `Cannot ${action}: --out DIR is missing; give the folder for ${forWhat}`)
  const columns = { ...config.columns, ...flags.columns }
  return { ...rest, data, out, ...(Object.keys(columns).length > 0 ? { columns } : {}) } as TrainConfig &
    T & { data: string; out: string }
}
