import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { type Side, storedFeatures } from '../../features/featureSpec.ts'
import { rowText } from '../../features/rawRow.ts'
import type { ColumnNames, DatasetOptions, OpenOptions } from '../options.ts'
import { DurableFile } from '../pack/durableFile.ts'
import { buildFolder } from '../pack/packFolder.ts'
import { removeStale, writeManifest } from '../pack/packManifest.ts'
import { streamColumns } from '../parquet/columnStream.ts'
import { whilePagesAreChecked } from '../parquet/checksums/checkPages.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import { columnNamed } from '../parquet/parquetFile.ts'
import { readParquetTable } from '../parquet/parquetTable.ts'
import { type TablePolicies, tablePolicies } from '../policies.ts'
import {
  columnNames,
  dataFolder,
  fingerprintOf,
  packHome,
  type SourceFile,
  tableName,
  tableSources,
} from '../sources.ts'
import { rawOf } from './columnEncoders.ts'
import { jsonColumn } from './jsonValues.ts'
import { keptColumns, keptNames } from './keptColumns.ts'
import { findKeptRows, keptChunks } from './keptRows.ts'
import { fittedPlaces, withPlaces } from './placeColumns.ts'
import { tableColumns } from './tablePlan.ts'
import { findTables, readBy } from './openTables.ts'
import { type PackedValues, readValues, type ValuesFile, VALUES_FORMAT } from './readValues.ts'
import type { FeatureTable, Tables } from './readTables.ts'

const PREFIX = 'values-'

type Options = DatasetOptions & OpenOptions

/**
 * The rows of packed tables as values by name, of those sides: what a store keeps. Packed on first use.
 * @throws NearrankError INPUT, DISK, DAMAGED, ABORTED.
 */
export async function openValues(
  options: Options,
  tables: Tables,
  sides: readonly Side[],
): Promise<PackedValues> {
  const found = await findValues(options, tables, sides)
  if (found) return found
  const { home, name } = await locate(options, tables, sides)
  const data = await dataFolder(options)
  await withDuckDb(options, (connection) =>
    buildFolder(home, name, async (folder) => {
      const packed: Partial<Record<Side, ValuesFile>> = {}
      for (const side of sides) {
        const sources = await tableSources(options, data, side)
        const columns = columnNames(options)
        const kept = keptNames(tables[side], options)
        const isTaken = readBy({ features: [...tables[side].features], ...tableColumns(side, columns) })
        const isRead = (column: string) => isTaken(column) || kept.includes(column)
        const pages = { files: sources, isRead, signal: options.signal }
        packed[side] = await whilePagesAreChecked(pages, (signal) =>
          packValues(connection, tables[side], {
            sources,
            tableName: tableName(options, side),
            folder,
            columns,
            kept,
            policies: tablePolicies(options),
            signal,
            ...(options.onProgress && { onProgress: options.onProgress }),
          }),
        )
      }
      // By what was taken: the options that first asked for these tables may have told it in other words.
      const taken = { users: tables.users.features, restaurants: tables.restaurants.features }
      const now = await findTables({ ...options, fitted: options.fitted ?? taken })
      if (now?.fingerprint !== tables.fingerprint)
        throw new NearrankError(
          'INPUT',
          `Cannot use the data in ${options.data}: a feature table was changed while it was being read; run again`,
        )
      await writeManifest(folder, { format: VALUES_FORMAT, key: tables.key, ...packed })
    }),
  )
  const made = await readValues(join(home, name))
  if (!made) throw new NearrankError('INTERNAL', `the pack ${join(home, name)} is not where it was written`)
  await removeStale(home, name, PREFIX, tables.key)
  return made
}

/** The same where it is packed already; undefined: it has to be packed. @throws NearrankError DAMAGED */
export async function findValues(
  options: Options,
  tables: Tables,
  sides: readonly Side[],
): Promise<PackedValues | undefined> {
  const { home, name } = await locate(options, tables, sides)
  return readValues(join(home, name))
}

async function locate(options: Options, tables: Tables, sides: readonly Side[]) {
  const kept = sides.flatMap((side) => keptNames(tables[side], options))
  const what = [VALUES_FORMAT, tables.fingerprint, sides, ...(kept.length > 0 ? [kept] : [])]
  const home = packHome(options, await dataFolder(options))
  return { home, name: PREFIX + fingerprintOf([], ...what) }
}

interface Run extends Pick<OpenOptions, 'onProgress'> {
  sources: SourceFile[]
  tableName: string
  folder: string
  columns: ColumnNames
  kept: readonly string[]
  policies: TablePolicies
  signal: AbortSignal | undefined
}

async function packValues(
  connection: DuckDBConnection,
  table: FeatureTable,
  { sources, folder, tableName: called, columns: names, kept: keptOnly, policies, signal, onProgress }: Run,
): Promise<ValuesFile> {
  const { side, rows, idKey } = table
  const features = storedFeatures(table.features)
  const { places } = tableColumns(side, names)
  const read = await readParquetTable(connection, sources, { name: called, features })
  const file = withPlaces(read, fittedPlaces(features), places)
  const plan = { side, file, features: [...features], leftOut: [], idKey, ...tableColumns(side, names) }
  const kept = await findKeptRows(connection, plan, { policies, signal })
  const stored = [...keptColumns(file, plan, keptOnly), ...features]
  const columns = stored.map((one) => jsonColumn(columnNamed(file, one.name), one))
  const output = await DurableFile.create(join(folder, `${side}.rows`))
  try {
    const sql = columns.map((column) => column.sql)
    const chunks = streamColumns(connection, file, sql, signal)
    for await (const chunk of keptChunks(chunks, kept)) {
      const lines: string[] = []
      for (let row = 0; row < chunk.rows; row++) {
        const values = stored.map(({ name }, k) => {
          const value = columns[k].valueOf(rawOf(chunk.columns[k].getItem(row)))
          return [name, value] as const
        })
        lines.push(`${rowText(Object.fromEntries(values))}\n`)
      }
      await output.write(Buffer.from(lines.join('')))
      onProgress?.({ stage: side, rowsDone: chunk.rowStart + chunk.rows, rowsTotal: rows })
    }
    await output.close()
    return { rows, bytes: output.bytes, crc32: output.crc32 }
  } finally {
    await output.abandon()
  }
}
