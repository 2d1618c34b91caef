import type { ValueType } from '../../features/declared.ts'
import type { FeatureKind } from '../../features/featureSpec.ts'
import { type ParquetColumn, sqlColumn } from '../parquet/parquetFile.ts'

const INTEGER = /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$/
const FRACTION = /^(?:FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/
const TEXT = /^(?:VARCHAR|UUID|ENUM\(.*\))$/s
const LIST = /^(.*)\[\d*\]$/s

/** What the values of a column are. */
export function valueTypeOf({ type }: Pick<ParquetColumn, 'type'>): ValueType {
  if (INTEGER.test(type)) return 'integer'
  if (FRACTION.test(type)) return 'fraction'
  if (type === 'BOOLEAN') return 'boolean'
  if (TEXT.test(type)) return 'text'
  if (type === 'DATE') return 'date'
  if (type.startsWith('TIMESTAMP')) return 'time'
  const [, item] = LIST.exec(type) ?? []
  if (item === undefined) return 'other'
  if (INTEGER.test(item) || FRACTION.test(item)) return 'numbers'
  return TEXT.test(item) || item === 'BOOLEAN' ? 'texts' : 'other'
}

/** Whether a column holds numbers. */
export function isNumeric(column: Pick<ParquetColumn, 'type'>): boolean {
  return ['integer', 'fraction'].includes(valueTypeOf(column))
}

/** Whether two columns hold values of the same type; all numbers are of one. */
export function areAlike(a: ParquetColumn, b: ParquetColumn): boolean {
  const typeOf = (column: ParquetColumn) => {
    const type = valueTypeOf(column)
    if (type === 'integer' || type === 'fraction') return 'number'
    return type === 'other' ? column.type : type
  }
  return typeOf(a) === typeOf(b)
}

const KINDS: Record<FeatureKind, readonly ValueType[]> = {
  number: ['integer', 'fraction', 'boolean', 'time', 'date'],
  category: ['integer', 'fraction', 'boolean', 'text', 'date'],
  categories: ['texts', 'numbers'],
  text: ['text'],
  vector: ['numbers'],
  time: ['time', 'date', 'integer'],
  cell: ['numbers'],
}

export const FEATURE_KINDS = Object.keys(KINDS) as FeatureKind[]

/** The types of values that a kind of feature can be made of. */
export function typesFor(kind: FeatureKind): readonly ValueType[] {
  return KINDS[kind]
}

/**
 * SQL for the values of a column as a feature's encoder takes them. A number is never null: NaN if it is
 * missing, infinite if a float32 cannot hold it.
 */
export function valueSql(column: ParquetColumn, kind: FeatureKind): string {
  const name = sqlColumn(column)
  const type = valueTypeOf(column)
  switch (kind) {
    case 'number': {
      const number = type === 'time' || type === 'date' ? `epoch_ms(${name}) / 86400000.0` : name
      return `coalesce(TRY_CAST(${number} AS FLOAT), CASE WHEN ${name} IS NULL THEN 'nan' ELSE 'inf' END::FLOAT)`
    }
    case 'category':
      return textSql(name, type)
    case 'text':
      return `${name}::VARCHAR`
    case 'categories':
      return `${name}::VARCHAR[]`
    case 'vector':
    case 'cell':
      return `${name}::DOUBLE[]`
    case 'time':
      return type === 'integer' ? `${name}::DOUBLE` : `epoch_ms(${name})::DOUBLE`
  }
}

/** The text by which a value of a category is known: that of JavaScript, where DuckDB writes 3.0 for 3. */
function textSql(name: string, type: ValueType): string {
  if (type !== 'fraction') return `${name}::VARCHAR`
  const isWhole = `${name} = trunc(${name}) AND abs(${name}) < 1e15`
  return `CASE WHEN ${isWhole} THEN ${name}::BIGINT::VARCHAR ELSE ${name}::DOUBLE::VARCHAR END`
}
