import type { DuckDBConnection } from '@duckdb/node-api'
import { Type } from 'typebox'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import { checkNumeric, featureColumns } from './featureColumns.ts'
import {
  type FeatureSpec,
  namesOf,
  numberFeatures,
  type Side,
  SIDES,
  widthOf,
} from '../../features/featureSpec.ts'
import type { IdKind } from '../../ids.ts'
import { holdsStrings, type IdKey } from './idColumn.ts'
import type { DatasetOptions } from '../options.ts'
import type { OpenOptions } from '../openOptions.ts'
import { buildFolder } from '../pack/packFolder.ts'
import { damagedPack, readManifest, removeStale, writeManifest } from '../pack/packManifest.ts'
import { readPart, readWholePart } from '../pack/packedPart.ts'
import { type PackedTable, type TablePlan, packTable } from './packTable.ts'
import { columnNamed, readParquetFile } from '../parquet/parquetFile.ts'
import { integerIds, kindsOfKeys, stringIds, type TableIds } from './tableIds.ts'
import {
  type SourceFile,
  checkUnchanged,
  columnNames,
  dataFolder,
  featureSource,
  fingerprintOf,
  keyOf,
  packHome,
} from '../sources.ts'

/** The vectors of one side, packed: float32, row after row. */
export interface FeatureTable {
  side: Side
  rows: number
  features: FeatureSpec[] // named as their columns, in the order of the vector
  idKey: IdKey
  path: string // packed file: float32, little-endian, [rows, width of the features]
  crc32: number
  mean: number[] // [width], computed in float64 over the table's rows
  standardDeviation: number[] // [width], of the population; 0 for a constant
  parts: Pick<PackedTable, 'table' | 'keys' | 'names' | 'places'>
}

export interface Tables {
  directory: string
  fingerprint: string // of the two files and the columns taken from them
  key: string // of the same without the files' content
  users: FeatureTable
  restaurants: FeatureTable
}

const FORMAT = 1
const PREFIX = 'tables-'

const Part = Type.Object({ bytes: Type.Integer({ minimum: 0 }), crc32: Type.Integer({ minimum: 0 }) })
const PackedTableSchema = Type.Object({
  rows: Type.Integer({ minimum: 1 }),
  features: Type.Array(Type.String(), { minItems: 1 }),
  idType: Type.Union([Type.Literal('integer'), Type.Literal('string')]),
  idKey: Type.Union([Type.Literal('BIGINT'), Type.Literal('UBIGINT'), Type.Literal('MD5')]),
  table: Part,
  keys: Part,
  names: Type.Union([Part, Type.Null()]),
  places: Type.Union([Part, Type.Null()]),
  mean: Type.Array(Type.Number()),
  standardDeviation: Type.Array(Type.Number()),
})
const Manifest = Type.Object({
  format: Type.Literal(FORMAT),
  fingerprint: Type.String(),
  key: Type.String(),
  users: PackedTableSchema,
  restaurants: PackedTableSchema,
})

/**
 * The feature tables of a dataset, packed on first use (a second for 1 M users of
 * 30 features) and found again by a fingerprint of their sources.
 * @throws NearrankError INPUT naming file, column and row; DISK; DAMAGED; ABORTED.
 */
export async function openTables(options: DatasetOptions & OpenOptions): Promise<Tables> {
  const data = await dataFolder(options)
  const home = packHome(options, data)
  const sources = [
    await featureSource(options, data, 'users'),
    await featureSource(options, data, 'restaurants'),
  ]
  return withDuckDb(options, async (connection) => {
    const plans = await planTables(connection, options, sources)
    const taken = plans.map(({ idColumn, features, places }) => [idColumn, namesOf(features), places])
    const fingerprint = fingerprintOf(sources, FORMAT, taken)
    const key = keyOf(data, sources, columnNames(options), options.userFeatures, options.restaurantFeatures)
    const directory = join(home, PREFIX + fingerprint)
    const found = await readTables(directory)
    if (found) return found
    await buildFolder(home, PREFIX + fingerprint, async (folder) => {
      const packed: Partial<Record<TablePlan['side'], PackedTable>> = {}
      for (const plan of plans) {
        const onRows = (rowsDone: number) =>
          options.onProgress?.({ stage: plan.side, rowsDone, rowsTotal: plan.file.rows })
        packed[plan.side] = await packTable(connection, plan, { folder, signal: options.signal, onRows })
      }
      for (const source of sources) await checkUnchanged(source)
      await writeManifest(folder, { format: FORMAT, fingerprint, key, ...packed })
    })
    const made = await readTables(directory)
    if (!made) throw new NearrankError('INTERNAL', `the pack ${directory} is not where it was put`)
    await removeStale(home, PREFIX + fingerprint, PREFIX, key)
    return made
  })
}

/** Decides what is taken from the two files; reads nothing but their metadata. */
async function planTables(
  connection: DuckDBConnection,
  options: DatasetOptions,
  sources: SourceFile[],
): Promise<TablePlan[]> {
  const columns = columnNames(options)
  const plans: TablePlan[] = []
  for (const [i, side] of SIDES.entries()) {
    const file = await readParquetFile(connection, sources[i].path, sources[i].name)
    const idColumn = side === 'users' ? columns.userId : columns.restaurantId
    holdsStrings(file, columnNamed(file, idColumn)) // or integers; nothing else
    const places: TablePlan['places'] = side === 'users' ? null : [columns.latitude, columns.longitude]
    for (const place of places ?? []) checkNumeric(file, place)
    const named = side === 'users' ? options.userFeatures : options.restaurantFeatures
    plans.push({
      side,
      file,
      idColumn,
      features: numberFeatures(featureColumns(file, named, columns)),
      places,
    })
  }
  return plans
}

/** The packed tables in a folder; undefined where there are none. @throws NearrankError DAMAGED */
export async function readTables(directory: string): Promise<Tables | undefined> {
  const manifest = await readManifest(directory, Manifest)
  if (!manifest) return undefined
  const { fingerprint, key } = manifest
  const table = (side: Side): FeatureTable => {
    const { rows, features, idType: _, idKey, mean, standardDeviation, ...parts } = manifest[side]
    const path = join(directory, `${side}.f32`)
    return {
      side,
      rows,
      features: numberFeatures(features),
      idKey,
      path,
      crc32: parts.table.crc32,
      mean,
      standardDeviation,
      parts,
    }
  }
  return { directory, fingerprint, key, users: table('users'), restaurants: table('restaurants') }
}

/**
 * Reads a packed table into rows of `stride` floats (≥ the number of features; the rest is left as it is), in
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
  let row = 0
  let column = 0
  for await (const piece of readPart(table.path, table.parts.table.bytes, table.crc32)) {
    const floats = new Float32Array(piece.buffer, piece.byteOffset, piece.length / 4)
    for (let at = 0; at < floats.length; ) {
      const count = Math.min(width - column, floats.length - at)
      const to = row * stride + column
      for (let i = 0; i < count; i++) target[to + i] = floats[at + i]
      at += count
      column += count
      if (column === width) {
        column = 0
        row++
      }
    }
  }
}

/** The ids of a table. @throws NearrankError DAMAGED */
export async function readIds(table: FeatureTable): Promise<TableIds> {
  const { names } = table.parts
  if (!names) return integerIds(await readKeys(table), table.idKey)
  const path = table.path.replace(/f32$/, 'names')
  return stringIds(await readWholePart(path, names.bytes, names.crc32), table.rows)
}

/** The kinds that all ids of a table are of, the one to call them by first. @throws NearrankError DAMAGED */
export async function readIdKinds(table: FeatureTable): Promise<[IdKind, ...IdKind[]]> {
  return table.idKey === 'MD5' ? ['string'] : kindsOfKeys(await readKeys(table), table.idKey)
}

/** What the ids of a table are compared by, [rows, 2 or 4]. */
export async function readKeys(table: FeatureTable): Promise<Uint32Array<ArrayBuffer>> {
  const { keys } = table.parts
  const bytes = await readWholePart(table.path.replace(/f32$/, 'keys'), keys.bytes, keys.crc32)
  return new Uint32Array(bytes.buffer)
}

/** Where the restaurants are, in degrees, by row. @throws NearrankError DAMAGED */
export async function readPlaces(
  tables: Tables,
): Promise<{ latitude: Float64Array; longitude: Float64Array }> {
  const { parts, path, rows } = tables.restaurants
  if (!parts.places) throw damagedPack(tables.directory, 'the places of the restaurants are missing')
  const bytes = await readWholePart(path.replace(/f32$/, 'places'), parts.places.bytes, parts.places.crc32)
  const degrees = new Float64Array(bytes.buffer)
  return { latitude: degrees.subarray(0, rows), longitude: degrees.subarray(rows) }
}
