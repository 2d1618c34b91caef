import { NearrankError } from '../../errors.ts'
import { type IdKey, type IdType, keyWords } from './idColumn.ts'
import { IdIndex, NO_ROW } from './idIndex.ts'

/** The ids of a feature table, by row and back. */
export interface RowIds {
  rows: number
  idType: IdType
  /** The row of an id; undefined when there is none. A string of digits is an integer id to an integer column. */
  rowOf(id: number | bigint | string): number | undefined
  /** The id of a row; a bigint beyond ±2^53. */
  idAt(row: number): number | bigint | string
}

/** `keys`: BIGINT or UBIGINT keys, [rows, 2]. */
export function integerIds(keys: Uint32Array<ArrayBuffer>, key: IdKey): RowIds {
  const index = new IdIndex(keys, keyWords(key))
  const rows = keys.length / 2
  const signed = new BigInt64Array(keys.buffer, keys.byteOffset, rows)
  const unsigned = new BigUint64Array(keys.buffer, keys.byteOffset, rows)
  const asked = new BigInt64Array(1)
  const askedWords = new Uint32Array(asked.buffer)
  const found = new Uint32Array(1)
  return {
    rows,
    idType: 'integer',
    rowOf(id) {
      const value = integerOf(id)
      if (value === undefined) return undefined
      asked[0] = key === 'UBIGINT' ? BigInt.asIntN(64, value) : value
      const exact = key === 'UBIGINT' ? BigInt.asUintN(64, value) === value : asked[0] === value
      if (!exact) return undefined
      index.lookupInto(askedWords, 1, found)
      return found[0] === NO_ROW ? undefined : found[0]
    },
    idAt(row) {
      checkRow(row, rows)
      const id = key === 'UBIGINT' ? unsigned[row] : signed[row]
      const number = Number(id)
      return Number.isSafeInteger(number) ? number : id
    },
  }
}

/** `bytes`: u32 byte lengths [rows], then the names' bytes. About 100 bytes of memory an id. */
export function stringIds(bytes: Uint8Array<ArrayBuffer>, rows: number): RowIds {
  const lengths = new Uint32Array(bytes.buffer, bytes.byteOffset, rows)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + 4 * rows)
  const names: string[] = []
  const byName = new Map<string, number>()
  let at = 0
  for (let row = 0; row < rows; row++) {
    const name = text.toString('utf8', at, at + lengths[row])
    at += lengths[row]
    names.push(name)
    byName.set(name, row)
  }
  return {
    rows,
    idType: 'string',
    rowOf: (id) => byName.get(String(id)),
    idAt(row) {
      checkRow(row, rows)
      return names[row]
    },
  }
}

function integerOf(id: number | bigint | string): bigint | undefined {
  if (typeof id === 'bigint') return id
  if (typeof id === 'number') return Number.isInteger(id) ? BigInt(id) : undefined
  return /^[-+]?\d{1,20}$/.test(id) ? BigInt(id.replace('+', '')) : undefined
}

function checkRow(row: number, rows: number): void {
  if (!(Number.isInteger(row) && row >= 0 && row < rows))
    throw new NearrankError('INTERNAL', `no row ${row} in a table of ${rows}`)
}
