import { NearrankError } from '../../errors.ts'
import { type FeatureId, type IdKind, integerId, parseId, toInt64 } from '../../ids.ts'
import { type IdKey, kindOfKey, keyWords } from './idColumn.ts'
import { IdIndex, NO_ROW } from './idIndex.ts'

/** The ids of a feature table, by row and back. */
export interface TableIds {
  rows: number
  kind: IdKind
  /**
   * The row of an id; undefined when there is none. A string of digits is an integer id to an integer column.
   */
  rowOf(id: FeatureId): number | undefined
  idAt(row: number): FeatureId
}

/** The kinds that all integer ids of a table are of, the one to call them by first. `keys`: [rows, 2]. */
export function kindsOfKeys(keys: Uint32Array, key: IdKey): [IdKind, ...IdKind[]] {
  for (let high = 1; high < keys.length; high += 2) if (keys[high] >>> 31 === 1) return [kindOfKey(key)]
  return ['integer', 'unsigned']
}

/** `keys`: BIGINT or UBIGINT keys, [rows, 2]. */
export function integerIds(keys: Uint32Array<ArrayBuffer>, key: IdKey): TableIds {
  const index = new IdIndex(keys, keyWords(key))
  const rows = keys.length / 2
  const values =
    key === 'UBIGINT'
      ? new BigUint64Array(keys.buffer, keys.byteOffset, rows)
      : new BigInt64Array(keys.buffer, keys.byteOffset, rows)
  const asked = new BigInt64Array(1)
  const askedWords = new Uint32Array(asked.buffer)
  const found = new Uint32Array(1)
  return {
    rows,
    kind: kindsOfKeys(keys, key)[0],
    rowOf(id) {
      const parsed = parseId(id, kindOfKey(key))
      if (parsed === undefined || typeof parsed === 'string') return undefined
      asked[0] = BigInt(toInt64(parsed))
      index.lookupInto(askedWords, 1, found)
      return found[0] === NO_ROW ? undefined : found[0]
    },
    idAt(row) {
      checkRow(row, rows)
      return integerId(values[row])
    },
  }
}

/** `bytes`: u32 byte lengths [rows], then the names' bytes. About 100 bytes of memory an id. */
export function stringIds(bytes: Uint8Array<ArrayBuffer>, rows: number): TableIds {
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
    kind: 'string',
    rowOf: (id) => byName.get(String(id)),
    idAt(row) {
      checkRow(row, rows)
      return names[row]
    },
  }
}

function checkRow(row: number, rows: number): void {
  if (!(Number.isInteger(row) && row >= 0 && row < rows))
    throw new NearrankError('INTERNAL', `no row ${row} in a table of ${rows}`)
}
