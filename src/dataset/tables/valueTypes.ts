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
      return textSql(name, column.type)
    case 'text':
      return `${name}::VARCHAR`
    case 'categories':
      return textsSql(name, column.type)
    case 'vector':
    case 'cell':
      return `${name}::DOUBLE[]`
    case 'time':
      return type === 'integer' ? `${name}::DOUBLE` : `epoch_ms(${name})::DOUBLE`
  }
}

/** The text by which a value of a category is known: that of JavaScript, where DuckDB writes 3.0 for 3. */
function textSql(name: string, type: string): string {
  if (!FRACTION.test(type)) return `${name}::VARCHAR`
  // A float32 is known by the fewest digits that tell it: 0.1, as whoever sends it writes.
  const text = type === 'FLOAT' ? `${name}::VARCHAR` : `${name}::DOUBLE::VARCHAR`
  return `CASE WHEN ${name} = trunc(${name}) AND abs(${name}) < 1e16 THEN ${name}::BIGINT::VARCHAR
    WHEN abs(${name}) >= 1e-4 AND abs(${name}) < 1e16 THEN ${text}
    ELSE coalesce(${exponentSql(text)}, ${text}) END`
}

/** A list of such texts. */
function textsSql(name: string, type: string): string {
  const [, item] = LIST.exec(type)!
  return FRACTION.test(item)
    ? `list_transform(${name}, lambda one_value: ${textSql('one_value', item)})`
    : `${name}::VARCHAR[]`
}

/** `0.00005` of `5e-05`, as JavaScript writes numbers (ECMA-262, Number::toString); NULL of other texts. */
function exponentSql(text: string): string {
  const sign = `regexp_extract(${text}, '^-?')`
  const digits = `replace(regexp_extract(${text}, '^-?([0-9.]+)e', 1), '.', '')`
  const exponent = `TRY_CAST(regexp_extract(${text}, 'e(.+)$', 1) AS INTEGER)`
  return `CASE WHEN ${exponent} NOT BETWEEN -6 AND 20 THEN regexp_replace(${text}, 'e([+-])0*', 'e\\1')
    WHEN ${exponent} > 0 THEN ${sign} || ${digits} || repeat('0', ${exponent} + 1 - length(${digits}))
    ELSE ${sign} || '0.' || repeat('0', -${exponent} - 1) || ${digits} END`
}
