import { NearrankError } from '../../errors.ts'
import { NAME_CHARS_MAX, type ValueType } from '../../features/declared.ts'
import { type FeatureKind, namesOf, storedFeatures } from '../../features/featureSpec.ts'
import { listed } from '../../features/rawRow.ts'
import { nearest } from '../../options/nearest.ts'
import type { OpenOptions } from '../options.ts'
import type { ParquetFile } from '../parquet/parquetFile.ts'
import type { FeatureTable } from './readTables.ts'
import type { TablePlan } from './tablePlan.ts'
import { valueTypeOf } from './valueTypes.ts'

/** A column that is stored and is no feature, with the kind of feature whose raw values are its own. */
export interface KeptColumn {
  name: string
  kind: FeatureKind
}

/** As a category, and not as a number, an integer of 64 bits keeps all its digits. */
const KIND_OF: Record<Exclude<ValueType, 'other'>, FeatureKind> = {
  integer: 'category',
  fraction: 'number',
  boolean: 'category',
  text: 'text',
  date: 'category',
  time: 'time',
  texts: 'categories',
  numbers: 'vector',
}

/** The columns that a store keeps of a side beside its features, which it has anyway; in the order given. */
export function keptNames(
  { side, features }: Pick<FeatureTable, 'side' | 'features'>,
  { keepColumns = [] }: Pick<OpenOptions, 'keepColumns'>,
): string[] {
  if (side === 'users') return []
  const stored = new Set(namesOf(storedFeatures(features)))
  return [...new Set(keepColumns)].filter((name) => !stored.has(name))
}

/**
 * The columns of these names.
 * @throws NearrankError INPUT where there is none, or it cannot be kept.
 */
export function keptColumns(
  file: ParquetFile,
  { idColumn, places }: Pick<TablePlan, 'idColumn' | 'places'>,
  names: readonly string[],
): KeptColumn[] {
  const cannot = (name: string, problem: string) =>
    new NearrankError('INPUT', `Cannot keep the column ${name} of ${file.name}: ${problem} (--keep-columns)`)
  return names.map((name) => {
    const column = file.columns.find((one) => one.name === name)
    if (!column) {
      const known = file.columns.map((one) => one.name)
      const guess = nearest(name, known)
      throw cannot(
        name,
        `there is none; ${guess === undefined ? `its columns are ${listed(known)}` : `did you mean ${guess}?`}`,
      )
    }
    if (name === idColumn || places?.includes(name))
      throw cannot(name, 'a store has the id and the place of a restaurant anyway; leave it out')
    if (name.length > NAME_CHARS_MAX)
      throw cannot(
        `${name.slice(0, 40)}…`,
        `its name must have at most ${NAME_CHARS_MAX} characters, found ${name.length}`,
      )
    const type = valueTypeOf(column)
    if (type === 'other')
      throw cannot(
        name,
        `it must hold texts, numbers, booleans, dates, times or lists of texts or numbers, found ${column.type}`,
      )
    return { name, kind: KIND_OF[type] }
  })
}
