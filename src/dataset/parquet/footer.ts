import { createHash } from 'node:crypto'
import { ThriftReader } from './thrift.ts'

/** What the beginning of a Parquet file's metadata says. */
export interface FooterHead {
  rows: number
  schema: string // a hash: the same for the same columns of the same types
}

const END_BYTES = 8 // the size of the metadata in 4 bytes, and PAR1

/** How a Parquet file ends. `tail`: its last bytes. */
export function footerOf(tail: Uint8Array): {
  metadataBytes: number // 0: it is no Parquet file
  head?: FooterHead // absent if `tail` begins later, or the metadata are none
} {
  const end = Buffer.from(tail.slice(-END_BYTES))
  if (end.length < END_BYTES || end.toString('latin1', 4) !== 'PAR1') return { metadataBytes: 0 }
  const metadataBytes = end.readUInt32LE(0)
  const start = tail.length - END_BYTES - metadataBytes
  const head = start < 0 ? undefined : headOf(tail.subarray(start, start + metadataBytes))
  return { metadataBytes, ...(head && { head }) }
}

function headOf(metadata: Uint8Array): FooterHead | undefined {
  const [schema, rows] = [new ThriftReader(metadata), new ThriftReader(metadata)]
  try {
    if (!schema.isAtField(2) || !rows.isAtField(3) || schema.at >= rows.at) return undefined
    const bytes = metadata.subarray(schema.at, rows.at)
    return { rows: rows.integer(), schema: createHash('sha256').update(bytes).digest('base64') }
  } catch {
    return undefined // DuckDB says what is wrong with it
  }
}
