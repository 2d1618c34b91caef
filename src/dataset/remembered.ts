import { NearrankError } from '../errors.ts'
import { MODEL_FILE, type ModelDescription } from '../model/modelFile.ts'
import { wantedInstead } from '../options/checkOptions.ts'
import type { OptionTable, OptionValues } from '../options/option.ts'
import { shown } from '../shown.ts'

/**
 * Options that a model remembers under a key of `training`, none of which must be there.
 * @throws NearrankError DAMAGED if they are none of `table`.
 */
export function rememberedBy<T extends OptionTable>(
  training: ModelDescription['training'],
  key: string,
  table: T,
): Partial<OptionValues<T>> {
  const found: unknown = (training as Record<string, unknown>)[key] ?? {}
  const damaged = (name: string, wanted: string, value: unknown) =>
    new NearrankError(
      'DAMAGED',
      `Cannot use the model: ${name} in ${MODEL_FILE} must be ${wanted}, found ${shown(value)}; restore the model from a copy, or train again`,
    )
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw damaged(`training.${key}`, 'an object', found)
  for (const [name, value] of Object.entries(found)) {
    if (!Object.hasOwn(table, name))
      throw damaged(`training.${key}`, `an object of ${Object.keys(table).join(', ')}`, found)
    const wanted = wantedInstead(table[name].schema, value)
    if (wanted !== undefined) throw damaged(`training.${key}.${name}`, wanted, value)
  }
  return { ...found }
}
