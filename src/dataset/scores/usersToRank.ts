import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { RawRow } from '../../features/rawRow.ts'
import { isPlace } from '../../geo/gridCell.ts'
import type { DatasetOptions, OpenOptions } from '../options.ts'
import { type ColumnChunk, streamColumns } from '../parquet/columnStream.ts'
import { checkPages } from '../parquet/checksums/checkPages.ts'
import { arrayOf, isNullAt, sqlName, validBits, withDuckDb, wordsOf } from '../parquet/duckdb.ts'
import { cellText, columnNamed, type ParquetFile, ParquetOpener } from '../parquet/parquetFile.ts'
import { type ContextFeature, contextColumns, contextOf } from '../requests.ts'
import { columnNames, dataFolder, sourcesMatching, tableSources } from '../sources.ts'
import { rawOf } from '../tables/columnEncoders.ts'
import { checkNumeric } from '../tables/featureColumns.ts'
import { holdsStrings, idKeySql, keyWords } from '../tables/idColumn.ts'
import { IdIndex, NO_ROW } from '../tables/idIndex.ts'
import { readKeys, type Tables } from '../tables/readTables.ts'
import { outputNames } from './filesToScore.ts'
import type { ScoresOf } from './scoreWriter.ts'

/** A file of users to rank for: one list for each of its rows. */
export interface FileOfUsers extends ScoresOf {
  file: ParquetFile
}

export interface UsersToRankOptions extends DatasetOptions, OpenOptions {
  files?: string | string[] | undefined // globs, relative to the data; default: the users' table
  places: readonly [latitude: string, longitude: string] | null // columns; null: they are not read
  context: readonly ContextFeature[] // those without a column are not told
}

/** Users in the order of their file, without those that the policies leave out. */
export interface UserBatch {
  read: number // rows of the file
  users: Uint32Array // rows of the users' table
  latitude: Float64Array // degrees; NaN if places are not read
  longitude: Float64Array
  contexts: (RawRow | undefined)[] // undefined: nothing is told
}

export interface UsersToRank {
  files: FileOfUsers[] // in natural order
  batchesOf: (file: FileOfUsers) => AsyncGenerator<UserBatch>
}

/**
 * Opens files of users and checks their columns.
 * @throws NearrankError INPUT naming file, column and row, from `batchesOf` as well.
 */
export async function withUsersToRank<T>(
  options: UsersToRankOptions,
  tables: Tables,
  use: (users: UsersToRank) => Promise<T>,
): Promise<T> {
  const data = await dataFolder(options)
  const { files: globs } = options
  const sources = globs
    ? await sourcesMatching([globs].flat(), data, 'users to rank for')
    : await tableSources(options, data, 'users')
  const names = outputNames(
    sources.map(({ path }) => path),
    data,
  )
  const index = new IdIndex(await readKeys(tables.users), keyWords(tables.users.idKey))
  return withDuckDb(options, async (connection) => {
    const opener = new ParquetOpener(
      connection,
      sources.map((source) => source.name),
      { features: options.context },
    )
    const files: FileOfUsers[] = []
    for (const [i, source] of sources.entries()) {
      const file = await opener.open(source)
      checkColumns(file, options, tables)
      files.push({ file, source, name: names[i] })
    }
    return use({ files, batchesOf: (of) => batchesOf(connection, { ...of, options, tables, index }) })
  })
}

function checkColumns(file: ParquetFile, options: UsersToRankOptions, { users }: Tables): void {
  const column = columnNamed(file, columnNames(options).userId)
  const found = holdsStrings(file, column) ? 'string' : 'integer'
  const wanted = users.idKey === 'MD5' ? 'string' : 'integer'
  if (found !== wanted)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: column ${column.name} must hold ${wanted}s as the feature table does, found ${found}s`,
    )
  for (const name of options.places ?? []) checkNumeric(file, name)
  contextColumns(file, options.context)
}

interface Reading extends Pick<FileOfUsers, 'file' | 'source'> {
  options: UsersToRankOptions
  tables: Tables
  index: IdIndex
}

async function* batchesOf(connection: DuckDBConnection, reading: Reading): AsyncGenerator<UserBatch> {
  const { file, source, options, tables, index } = reading
  const { places, signal } = options
  const context = contextColumns(file, options.context)
  await checkPages({ files: [source], isRead: () => true, signal })
  const expressions = [
    idKeySql(columnNames(options).userId, tables.users.idKey),
    ...(places ?? []).map((name) => `coalesce(TRY_CAST(${sqlName(name)} AS DOUBLE), 'nan'::DOUBLE)`),
    ...context.map(({ column }) => column.sql),
  ]
  const [keysAt, latitudeAt, longitudeAt, contextAt] = [0, 1, 2, 1 + (places?.length ?? 0)]
  for await (const chunk of streamColumns(connection, file, expressions, signal)) {
    const found = new Uint32Array(chunk.rows)
    index.lookupInto(wordsOf(chunk.columns[keysAt]), chunk.rows, found)
    const isKnown = validBits(chunk.columns[keysAt])
    const unknown = new Float64Array(chunk.rows).fill(Number.NaN)
    const degrees = (at: number) => (places ? (arrayOf(chunk.columns[at]) as Float64Array) : unknown)
    const [latitude, longitude] = [degrees(latitudeAt), degrees(longitudeAt)]
    const kept: number[] = []
    for (let i = 0; i < chunk.rows; i++) {
      const hasUser = !isNullAt(isKnown, i) && found[i] !== NO_ROW
      if (hasUser && (!places || isPlace(latitude[i], longitude[i]))) kept.push(i)
      else if (options.onMissing !== 'drop')
        throw await unusable(connection, reading, chunk.rowStart + i, hasUser)
    }
    yield {
      read: chunk.rows,
      users: Uint32Array.from(kept, (i) => found[i]),
      latitude: Float64Array.from(kept, (i) => latitude[i]),
      longitude: Float64Array.from(kept, (i) => longitude[i]),
      contexts: kept.map((i) => {
        const values = context.map((_, k) => rawOf(chunk.columns[contextAt + k].getItem(i)))
        return contextOf(values, context, (problem) => wrongContext(file, chunk, i, problem))
      }),
    }
  }
}

function wrongContext(
  file: ParquetFile,
  { rowStart }: ColumnChunk,
  i: number,
  problem: string,
): NearrankError {
  return new NearrankError('INPUT', `Cannot use ${file.name}: ${problem}, in row ${rowStart + i}`)
}

/** What is said of a row for which nothing can be ranked. */
async function unusable(
  connection: DuckDBConnection,
  { file, options, tables }: Reading,
  row: number,
  hasUser: boolean,
): Promise<NearrankError> {
  const { userId } = columnNames(options)
  const advice = "leave such rows out with onMissing 'drop' (--on-missing drop)"
  const text = (column: string) => cellText(connection, file, column, row)
  if (!hasUser)
    return new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: ${userId} ${await text(userId)} in row ${row} is none of the ${tables.users.rows} users with features; ${advice}`,
    )
  const [latitude, longitude] = options.places ?? ['', '']
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: ${latitude} and ${longitude} must be a place in degrees, row ${row} holds ${await text(latitude)}, ${await text(longitude)}; ${advice}`,
  )
}
