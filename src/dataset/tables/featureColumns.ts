import { NearrankError } from '../../errors.ts'
import type { ColumnNames } from '../options.ts'
import { type ParquetFile, columnNamed } from '../parquet/parquetFile.ts'
import { naturalOrder } from '../sources.ts'

const NUMERIC = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/
const NUMBERED = /^f\d+$/
const FEATURES_MAX = 4096

/**
 * The columns of a feature table that make up its vectors, in order: those `named`, else all called
 * `f<digits>` by number, else every numeric column that is no id and no place, as the file has them.
 */
export function featureColumns(
  file: ParquetFile,
  named: string[] | undefined,
  columns: ColumnNames,
): string[] {
  const features = named ?? defaultFeatures(file, columns)
  if (features.length === 0)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: it has no numeric columns to use as features, its columns are ${file.columns
        .map((column) => `${column.name} ${column.type}`)
        .join(', ')}`,
    )
  if (features.length > FEATURES_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: at most ${FEATURES_MAX} features are allowed, found ${features.length}`,
    )
  if (new Set(features).size !== features.length)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: a feature is named twice in ${features.join(', ')}`,
    )
  for (const feature of features) checkNumeric(file, feature, true)
  return features
}

/** @throws NearrankError INPUT when the column is missing or holds no numbers. */
export function checkNumeric(file: ParquetFile, name: string, orBoolean = false): void {
  const { type } = columnNamed(file, name)
  if (NUMERIC.test(type) || (orBoolean && type === 'BOOLEAN')) return
  throw new NearrankError('INPUT', `Cannot use ${file.name}: column ${name} must hold numbers, found ${type}`)
}

function defaultFeatures(file: ParquetFile, columns: ColumnNames): string[] {
  const taken = new Set(Object.values(columns))
  const others = file.columns.filter((column) => !taken.has(column.name))
  // By name alone: a feature that holds no numbers is an error, not a column to leave out.
  const numbered = others.map((column) => column.name).filter((name) => NUMBERED.test(name))
  if (numbered.length > 0) return numbered.toSorted(naturalOrder)
  return others.filter((column) => NUMERIC.test(column.type)).map((column) => column.name)
}
