import { type Static, Type } from '../../schema.ts'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { type FeatureSpec, numberFeatures, type Side } from '../../features/featureSpec.ts'
import { widthOf } from '../../features/rowShape.ts'
import type { IdKind } from '../../ids.ts'
import type { LeftOut } from '../../features/declared.ts'
import { FeatureSchema } from '../../features/featureSchema.ts'
import type { IdKey } from './idColumn.ts'
import type { IgnoredRows } from './keptRows.ts'
import { damagedPack, readManifest } from '../pack/packManifest.ts'
import { readPackFile, readWholePackFile } from '../pack/packFile.ts'
import { integerIds, kindsOfKeys, stringIds, type TableIds } from './tableIds.ts'

export const TABLES_FORMAT = 2

const PackFileSchema = Type.Object({
  bytes: Type.Integer({ minimum: 0 }),
  crc32: Type.Integer({ minimum: 0 }),
})
const Count = Type.Integer({ minimum: 0 })
const IgnoredSchema = Type.Object({ duplicateIds: Count, badPlaces: Count, nullIds: Count })
const PackedTableSchema = Type.Object({
  rows: Type.Integer({ minimum: 1 }),
  features: Type.Array(Type.String(), { minItems: 1 }),
  idType: Type.Union([Type.Literal('integer'), Type.Literal('string')]), // as the keys tell
  idKey: Type.Union([Type.Literal('BIGINT'), Type.Literal('UBIGINT'), Type.Literal('MD5')]),
  table: PackFileSchema, // <side>.f32: rows of numbers (float32) and codes (uint32)
  keys: PackFileSchema, // <side>.keys: 2 or 4 words of 32 bits for each row
  // <side>.names, string ids alone: u32 byte lengths [rows], then the bytes
  names: Type.Union([PackFileSchema, Type.Null()]),
  // restaurants.places: float64 [2, rows], latitudes first
  places: Type.Union([PackFileSchema, Type.Null()]),
  mean: Type.Array(Type.Number()), // [numbers of a row]
  standardDeviation: Type.Array(Type.Number()), // [numbers]
  // Absent: each feature is a plain number.
  fitted: Type.Optional(Type.Array(FeatureSchema, { minItems: 1 })),
  leftOut: Type.Optional(Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }))),
  // how many rows of the file are no rows of the table; absent: all of them are
  ignored: Type.Optional(IgnoredSchema),
  // restaurants.placeless: keys of the restaurants left out for their places; absent: there are none
  placeless: Type.Optional(PackFileSchema),
})
const Manifest = Type.Object({
  format: Type.Literal(TABLES_FORMAT),
  fingerprint: Type.String(),
  key: Type.String(),
  users: PackedTableSchema,
  restaurants: PackedTableSchema,
})

/** A file of a pack. */
export type PackFile = Static<typeof PackFileSchema>

/** What a manifest says of a table. */
export type PackedTable = Static<typeof PackedTableSchema>

/** The vectors of one side, packed: float32, row after row. */
export interface FeatureTable {
  side: Side
  rows: number
  features: FeatureSpec[] // named as their columns, in the order of the vector
  idKey: IdKey
  leftOut: LeftOut[] // columns that are no features
  path: string // packed file: little-endian, [rows, words], of a row first its numbers, then its codes
  crc32: number
  mean: number[] // [numbers], computed in float64 over the table's rows
  standardDeviation: number[] // [numbers], of the population; 0 for a constant
  ignored?: IgnoredRows // of the rows of its file; absent: none
  files: Pick<PackedTable, 'table' | 'keys' | 'names' | 'places' | 'placeless'>
}

export interface Tables {
  directory: string
  fingerprint: string // of the two files and the columns taken from them
  key: string // of the same without the files' content
  users: FeatureTable
  restaurants: FeatureTable
}

/** The packed tables in a folder; undefined where there are none. @throws NearrankError DAMAGED */
export async function readTables(directory: string): Promise<Tables | undefined> {
  const manifest = await readManifest(directory, Manifest)
  if (!manifest) return undefined
  const { fingerprint, key } = manifest
  const table = (side: Side): FeatureTable => {
    const { rows, features, fitted, leftOut, idType: _, ...others } = manifest[side]
    const { idKey, mean, standardDeviation, ignored, ...files } = others
    const path = join(directory, `${side}.f32`)
    return {
      side,
      rows,
      features: fitted ?? numberFeatures(features),
      leftOut: leftOut ?? [],
      idKey,
      path,
      crc32: files.table.crc32,
      mean,
      standardDeviation,
      ...(ignored && { ignored }),
      files,
    }
  }
  return { directory, fingerprint, key, users: table('users'), restaurants: table('restaurants') }
}

/**
 * Reads a packed table into rows of `stride` words (≥ those of a row; the rest is left as it is), in
 * pieces of 4 MiB. `target` may be a view on shared memory. @throws NearrankError DAMAGED
 */
export async function readFeaturesInto(
  table: FeatureTable,
  target: Float32Array,
  stride: number,
): Promise<void> {
  const width = widthOf(table.features)
  if (stride < width || target.length < (table.rows - 1) * stride + width)
    throw new NearrankError(
      'INTERNAL',
      `${table.rows} rows of ${width} floats do not fit ${target.length} in steps of ${stride}`,
    )
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length)
  let at = 0 // word of the table
  for await (const piece of readPackFile(table.path, table.files.table.bytes, table.crc32)) {
    const found = new Uint32Array(piece.buffer, piece.byteOffset, piece.length / 4)
    spread(found, words, at, width, stride)
    at += found.length
  }
}

/** Words `at` and on of a table whose rows have `width` of them, into rows of `stride` words. */
function spread(found: Uint32Array, words: Uint32Array, at: number, width: number, stride: number): void {
  let column = at % width
  let to = ((at - column) / width) * stride + column
  for (let i = 0; i < found.length; i++) {
    words[to++] = found[i]
    if (++column < width) continue
    column = 0
    to += stride - width
  }
}

/** The ids of a table. @throws NearrankError DAMAGED */
export async function readIds(table: FeatureTable): Promise<TableIds> {
  const { names } = table.files
  if (!names) return integerIds(await readKeys(table), table.idKey)
  const path = table.path.replace(/f32$/, 'names')
  return stringIds(await readWholePackFile(path, names.bytes, names.crc32), table.rows)
}

/** The kinds that all ids of a table are of, the one to call them by first. @throws NearrankError DAMAGED */
export async function readIdKinds(table: FeatureTable): Promise<[IdKind, ...IdKind[]]> {
  return table.idKey === 'MD5' ? ['string'] : kindsOfKeys(await readKeys(table), table.idKey)
}

/** What the ids of a table are compared by, [rows, 2 or 4]. */
export async function readKeys(table: FeatureTable): Promise<Uint32Array<ArrayBuffer>> {
  const { keys } = table.files
  const bytes = await readWholePackFile(table.path.replace(/f32$/, 'keys'), keys.bytes, keys.crc32)
  return new Uint32Array(bytes.buffer)
}

/** Keys of the restaurants that were left out for their places, [restaurants, 2 or 4]. */
export async function readPlacelessKeys({ files, path: table }: FeatureTable): Promise<Uint32Array> {
  const { placeless } = files
  if (!placeless) return new Uint32Array(0)
  const path = table.replace(/f32$/, 'placeless')
  return new Uint32Array((await readWholePackFile(path, placeless.bytes, placeless.crc32)).buffer)
}

/** Where the restaurants are, in degrees, by row. @throws NearrankError DAMAGED */
export async function readPlaces(
  tables: Tables,
): Promise<{ latitude: Float64Array; longitude: Float64Array }> {
  const { files, path, rows } = tables.restaurants
  if (!files.places) throw damagedPack(tables.directory, 'the places of the restaurants are missing')
  const bytes = await readWholePackFile(
    path.replace(/f32$/, 'places'),
    files.places.bytes,
    files.places.crc32,
  )
  const degrees = new Float64Array(bytes.buffer)
  return { latitude: degrees.subarray(0, rows), longitude: degrees.subarray(rows) }
}
