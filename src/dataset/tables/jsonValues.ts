import type { ValueType } from '../../features/declared.ts'
import type { FeatureSpec } from '../../features/featureSpec.ts'
import type { RawValue } from '../../features/values.ts'
import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn } from '../parquet/parquetFile.ts'
import { valueSql, valueTypeOf } from './valueTypes.ts'

/** How the values of a column become JSON of which the encoder makes what it makes of the column itself. */
export interface JsonColumn {
  sql: string
  valueOf: (item: RawValue) => RawValue
}

const ISO_MS_MIN = Date.parse('0000-01-01T00:00:00Z')
const ISO_MS_MAX = Date.parse('9999-12-31T23:59:59.999Z')

export function jsonColumn(column: ParquetColumn, { kind }: Pick<FeatureSpec, 'kind'>): JsonColumn {
  const type = valueTypeOf(column)
  const sql = valueSql(column, kind)
  switch (kind) {
    case 'number':
      return { sql: numberSql(column, type), valueOf: (item) => (Number.isNaN(item) ? null : item) }
    case 'category':
      return { sql, valueOf: singleOf(type) }
    case 'categories': {
      const itemOf = singleOf(type === 'numbers' ? 'fraction' : 'text')
      return { sql, valueOf: (item) => (Array.isArray(item) ? item.map(itemOf) : item) }
    }
    case 'time':
      return { sql, valueOf: timeOfType(type) }
    case 'vector': {
      const digits = `list_transform(${sqlName(column.name)}, lambda one_value: ${fewestDigits('one_value')})`
      return { sql: column.type === 'FLOAT[]' ? digits : sql, valueOf: (item) => item }
    }
    case 'text':
      return { sql, valueOf: (item) => item }
    case 'cell':
      return { sql, valueOf: (item) => (Array.isArray(item) && item.some(Number.isNaN) ? null : item) }
  }
}

/** A float32 by the text that a category of such a column has: the same number in fewer digits. */
const fewestDigits = (float: string) =>
  `CASE WHEN ${float} = trunc(${float}) AND abs(${float}) < 1e16 THEN ${float}::DOUBLE ELSE ${float}::VARCHAR::DOUBLE END`

/** With all digits of the column, which `valueSql` rounds to 32 bits. */
function numberSql(of: ParquetColumn, type: ValueType): string {
  const column = sqlName(of.name)
  if (type === 'boolean') return column
  if (of.type === 'FLOAT') return fewestDigits(column)
  return type === 'time' || type === 'date' ? `epoch_ms(${column}) / 86400000.0` : `${column}::DOUBLE`
}

/** The value of a category from the text by which it is known: a number if that is the number's own text. */
function singleOf(type: ValueType): (text: RawValue) => RawValue {
  if (type === 'boolean') return (text) => (typeof text === 'string' ? text === 'true' : text)
  if (type !== 'integer' && type !== 'fraction') return (text) => text
  return (text) => (typeof text === 'string' && String(Number(text)) === text ? finiteOr(text) : text)
}

/** An integer beyond ±(2^53 − 1) stays a text: of a number, the encoder would not know whether it was. */
function finiteOr(text: string): RawValue {
  const number = Number(text)
  const isKept = Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number))
  return isKept ? number : text
}

/** ISO 8601; what is beyond the year 9999, and integers, stay milliseconds. */
function timeOfType(type: ValueType): (ms: RawValue) => RawValue {
  if (type === 'integer') return (ms) => ms
  return (ms) => {
    if (typeof ms !== 'number' || ms < ISO_MS_MIN || ms > ISO_MS_MAX) return ms
    const text = new Date(ms).toISOString()
    return type === 'date' ? text.slice(0, 10) : text
  }
}
