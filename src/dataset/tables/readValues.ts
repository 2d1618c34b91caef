import { type Static, Type } from '../../schema.ts'
import { join } from 'node:path'
import type { Side } from '../../features/featureSpec.ts'
import type { RawRow } from '../../features/rawRow.ts'
import { readPackFile, readWholePackFile } from '../pack/packFile.ts'
import { damagedPack, readManifest } from '../pack/packManifest.ts'

export const VALUES_FORMAT = 2
const NEWLINE = 10

const ValuesFileSchema = Type.Object({
  rows: Type.Integer({ minimum: 1 }),
  bytes: Type.Integer({ minimum: 0 }), // <side>.rows: a line of JSON a row, in the order of the table
  crc32: Type.Integer({ minimum: 0 }),
})
const Manifest = Type.Object({
  format: Type.Literal(VALUES_FORMAT),
  key: Type.String(),
  users: Type.Optional(ValuesFileSchema),
  restaurants: Type.Optional(ValuesFileSchema),
})

/** What a manifest says of one side. */
export type ValuesFile = Static<typeof ValuesFileSchema>

/** The rows of feature tables as values by name, packed. */
export interface PackedValues extends Partial<Record<Side, ValuesFile>> {
  directory: string
}

/** The packed values in a folder; undefined where there are none. @throws NearrankError DAMAGED */
export async function readValues(directory: string): Promise<PackedValues | undefined> {
  const manifest = await readManifest(directory, Manifest)
  if (!manifest) return undefined
  const { users, restaurants } = manifest
  return { directory, ...(users && { users }), ...(restaurants && { restaurants }) }
}

/**
 * The rows of one side in the order of its table, in memory that does not grow with them; the checksum is
 * compared at the end.
 * @throws NearrankError DAMAGED
 */
export async function* readValueRows(values: PackedValues, side: Side): AsyncGenerator<RawRow> {
  const { directory } = values
  const file = values[side]
  if (!file) throw damagedPack(directory, `the rows of ${side} are missing`)
  let begun: Uint8Array = new Uint8Array() // of a line that goes on in the next piece
  let rows = 0
  for await (const piece of readPackFile(join(directory, `${side}.rows`), file.bytes, file.crc32)) {
    const bytes = Buffer.concat([begun, piece])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      yield parseRow(directory, side, bytes.toString('utf8', start, end))
      rows++
      start = end + 1
    }
    begun = bytes.subarray(start)
  }
  if (rows !== file.rows || begun.length > 0)
    throw damagedPack(directory, `there are ${rows} rows of ${side}, ${file.rows} were written`)
}

/**
 * The rows of one side in any order, from its whole file in memory.
 * @throws NearrankError DAMAGED
 */
export async function readAllValues(values: PackedValues, side: Side): Promise<(row: number) => RawRow> {
  const { directory } = values
  const file = values[side]
  if (!file) throw damagedPack(directory, `the rows of ${side} are missing`)
  const whole = await readWholePackFile(join(directory, `${side}.rows`), file.bytes, file.crc32)
  const bytes = Buffer.from(whole.buffer)
  const ends = new Float64Array(file.rows) // of each line
  let rows = 0
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, end + 1)) ends[rows++] = end
  if (rows !== file.rows)
    throw damagedPack(directory, `there are ${rows} rows of ${side}, ${file.rows} were written`)
  const startOf = (row: number) => (row === 0 ? 0 : ends[row - 1] + 1)
  return (row) => parseRow(directory, side, bytes.toString('utf8', startOf(row), ends[row]))
}

function parseRow(directory: string, side: Side, line: string): RawRow {
  try {
    return JSON.parse(line) as RawRow
  } catch (error) {
    throw damagedPack(directory, `a row of ${side} is not JSON`, error)
  }
}
