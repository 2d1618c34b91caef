import type { DuckDBConnection } from '@duckdb/node-api'
import { stat } from 'node:fs/promises'
import { NearrankError, messageOf } from '../../errors.ts'
import { isMissing } from '../../files.ts'
import type { FooterHead } from './footer.ts'
import { type PandasIndex, unwrittenIndex } from './pandasIndex.ts'
import { type KeyFeature, type KeyTypes, keyTypes, pathKeys } from './pathKeys.ts'
import { duckDbMessage, type ParquetForm, ROW_NUMBER, sqlName, sqlParquet, sqlPath } from './duckdb.ts'

/** What a Parquet file's own metadata says of it. */
export interface ParquetFile {
  path: string
  name: string // as messages call it
  from: string // SQL to select its rows from, with `ROW_NUMBER`
  form: ParquetForm
  rows: number
  columns: ParquetColumn[]
  index?: PandasIndex // of a table
  parts?: readonly ParquetFile[] // of several files as one: each of them, in the order of the rows
  part?: FilePart // absent: all of its rows are meant
}

/** Some rows of a file. */
export interface FilePart {
  sql: string // true for each of them
  rows: number
  withoutTime: number // rows that are in no part, and are counted as left out of this one
}

/** Rows to aggregate over, of one file or of several with the same columns. */
export interface RowsSource {
  sql: string // to select from
  name: string // as messages call it
  rows: number
  columns: ParquetColumn[]
}

/** How many rows of a file are meant. */
export function rowsMeant({ rows, part }: Pick<ParquetFile, 'rows' | 'part'>): number {
  return part?.rows ?? rows
}

/** The rows of the files, and of their columns those that are asked for; absent: all of the first. */
export function rowsOf(files: readonly ParquetFile[], asked?: readonly ParquetColumn[]): RowsSource {
  const [{ name, columns: all }] = files
  const columns = [...(asked ?? all)]
  const named = columns.map((column) => `${sqlColumn(column)} AS ${sqlName(column.name)}`).join(', ')
  const selects = files.map(
    ({ from, part }) => `SELECT ${named} FROM ${from}${part ? ` WHERE ${part.sql}` : ''}`,
  )
  const isAsItIs =
    files.length === 1 && !files[0].part && columns.every(({ sql: made }) => made === undefined)
  const sql = isAsItIs ? files[0].from : `(${selects.join(' UNION ALL ')})`
  const rows = files.reduce((sum, file) => sum + rowsMeant(file), 0)
  return { sql, name, rows, columns: columns.map((column) => ({ name: column.name, type: column.type })) }
}

export interface ParquetColumn {
  name: string
  type: string // DuckDB's name for it: BIGINT, FLOAT, VARCHAR, …
  sql?: string // what it is computed by; absent: it is in the file
}

/** SQL for the values of a column in its file. */
export function sqlColumn({ name, sql }: ParquetColumn): string {
  return sql ?? sqlName(name)
}

const TEXT_ROWS = 2048 // by which bytes are told from texts
const ROWS_MAX = 0xfffffffe // of one file: row numbers are 32 bits, and the last one means "none"

/** A file to open. */
export interface FileToOpen {
  path: string
  name: string
  head?: FooterHead // if it is known
}

/**
 * Opens files. What DuckDB says of the columns of one holds for all with the same schema: asking it takes
 * 1.3 ms a file, which is most of the time that 12,000 files take.
 */
export class ParquetOpener {
  readonly #connection: DuckDBConnection
  readonly #columns = new Map<string, ParquetColumn[]>() // by schema
  readonly #keys: KeyTypes

  /**
   * `names`: of all files that it will open; `beside`: of others, for keys that are null in these;
   * `features`: those known that keys may be.
   */
  constructor(
    connection: DuckDBConnection,
    names: readonly string[],
    { beside = [], features }: { beside?: readonly string[]; features?: readonly KeyFeature[] } = {},
  ) {
    this.#connection = connection
    this.#keys = new Map([...keyTypes(beside), ...keyTypes(names, features)])
  }

  /** @throws NearrankError INPUT for a file that is truncated or no Parquet. */
  async open(file: FileToOpen): Promise<ParquetFile> {
    const { name, head } = file
    const known = head && this.#columns.get(head.schema)
    try {
      if (known) return parquetFile(file, { rows: head.rows, found: known, texts: [], keys: this.#keys })
      const read = await readParquetFile(this.#connection, file.path, name, this.#keys)
      // Which bytes are texts, their values say.
      const isSame = read.form.texts.length === 0 && read.columns.every(({ type }) => type !== 'BLOB')
      if (head && isSame)
        this.#columns.set(
          head.schema,
          read.columns.filter((one) => !isKey(one, read)),
        )
      return read
    } catch (error) {
      throw unreadable(name, error)
    }
  }
}

function isKey({ name }: ParquetColumn, { form: { keys } }: ParquetFile): boolean {
  return keys.some((key) => key.name === name)
}

/**
 * `keys`: of it and of those beside it.
 * @throws NearrankError INPUT for a file that is missing, truncated or no Parquet.
 */
export async function readParquetFile(
  connection: DuckDBConnection,
  path: string,
  name: string,
  keys: KeyTypes = keyTypes([name]),
): Promise<ParquetFile> {
  await statFile(path, name)
  try {
    const counts = await connection.run(`SELECT num_rows FROM parquet_file_metadata(${sqlPath(path)})`)
    const rows = Number((await counts.getRows())[0][0])
    const asItIs = sqlParquet([path], { hasOwn: true, texts: [], keys: [] })
    const described = await connection.run(`DESCRIBE SELECT * FROM ${asItIs}`)
    const found = describedColumns(await described.getRows())
    const texts = await textsAmong(connection, asItIs, found)
    return parquetFile({ path, name }, { rows, found, texts, keys })
  } catch (error) {
    throw unreadable(name, error)
  }
}

/** `found`: its columns. @throws Error if it has too many rows. */
function parquetFile(
  { path, name }: FileToOpen,
  {
    rows,
    found,
    texts,
    keys: types,
  }: { rows: number; found: ParquetColumn[]; texts: string[]; keys: KeyTypes },
): ParquetFile {
  if (rows > ROWS_MAX) throw new Error(`it has ${rows} rows, at most ${ROWS_MAX} are allowed`)
  // DuckDB does not tell upper from lower case.
  const names = new Set(found.map((column) => column.name.toLowerCase()))
  const keys = pathKeys(name, types).filter((key) => !names.has(key.name.toLowerCase()))
  const own = texts.length === 0 ? found : found.map((column) => textColumn(column, texts))
  const columns =
    keys.length === 0 ? own : [...own, ...keys.map(({ name: key, type }) => ({ name: key, type }))]
  const form = { hasOwn: names.has('file_row_number'), texts, keys }
  return { path, name, from: sqlParquet([path], form), form, rows, columns }
}

function textColumn(column: ParquetColumn, texts: readonly string[]): ParquetColumn {
  return texts.includes(column.name) ? { ...column, type: 'VARCHAR' } : column
}

/** The columns of files, of what DuckDB says of those of `sqlParquet`. */
export function describedColumns(rows: unknown[][]): ParquetColumn[] {
  return rows
    .map((row) => ({ name: String(row[0]), type: String(row[1]) }))
    .filter(({ name }) => sqlName(name) !== ROW_NUMBER)
}

/** The columns of bytes, as some writers have their texts, of which the first values are texts. */
async function textsAmong(
  connection: DuckDBConnection,
  from: string,
  columns: readonly ParquetColumn[],
): Promise<string[]> {
  const names = columns.filter(({ type }) => type === 'BLOB').map(({ name }) => name)
  if (names.length === 0) return []
  const chosen = names.map(sqlName).join(', ')
  const counts = names.map((name) => `count(${sqlName(name)}) = count(TRY(decode(${sqlName(name)})))`)
  const first = `(SELECT ${chosen} FROM ${from} LIMIT ${TEXT_ROWS})`
  const [isText] = await (await connection.run(`SELECT ${counts.join(', ')} FROM ${first}`)).getRows()
  return names.filter((_, i) => isText[i])
}

/** Size and time of last change. @throws NearrankError INPUT when there is no such file. */
export async function statFile(path: string, name: string): Promise<{ size: number; mtimeMs: number }> {
  try {
    const stats = await stat(path)
    if (!stats.isFile()) throw new Error('it is not a file')
    return { size: stats.size, mtimeMs: stats.mtimeMs }
  } catch (error) {
    const missing = isMissing(error)
    throw new NearrankError(
      'INPUT',
      `Cannot read ${name}: ${missing ? `there is no such file (${path})` : messageOf(error)}`,
      { cause: error },
    )
  }
}

/**
 * The column called `name`; `flag`: of its name on the command line, if there is one.
 * @throws NearrankError INPUT naming the columns that there are.
 */
export function columnNamed(
  file: Pick<ParquetFile, 'name' | 'columns' | 'index'>,
  name: string,
  flag?: string,
): ParquetColumn {
  const column = file.columns.find((candidate) => candidate.name === name)
  if (column) return column
  if (file.index?.unwritten.includes(name))
    throw new NearrankError('INPUT', `Cannot use ${file.name}: ${unwrittenIndex(name)}`)
  const names = file.columns.map((candidate) => candidate.name)
  const shown = names.length > 50 ? [...names.slice(0, 50), `… ${names.length - 50} more`] : names
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: it has no column ${name}, its columns are ${shown.join(', ')}${flag === undefined ? '' : `; give its name with ${flag}`}`,
  )
}

/** What stands in one cell, for a message. */
export async function cellText(
  connection: DuckDBConnection,
  file: ParquetFile,
  column: string,
  row: number,
): Promise<string> {
  const result = await connection.run(
    `SELECT ${sqlColumn(columnNamed(file, column))}::VARCHAR FROM ${file.from} WHERE ${ROW_NUMBER} = ${row}`,
  )
  const value = (await result.getRows())[0]?.[0]
  if (value === null || value === undefined) return 'null'
  const text = String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

export function unreadable(name: string, error: unknown): NearrankError {
  if (error instanceof NearrankError) return error
  if (duckDbMessage(error).startsWith('Out of Memory'))
    return new NearrankError(
      'MEMORY',
      `Cannot read ${name} in the memory that is left for it (${duckDbMessage(error)}): allow more (--max-memory), or write the file with smaller row groups`,
      { cause: error },
    )
  if (duckDbMessage(error).includes('Permission denied'))
    return new NearrankError(
      'INPUT',
      `Cannot read ${name}: permission is denied; allow this user to read it`,
      {
        cause: error,
      },
    )
  return new NearrankError(
    'INPUT',
    `Cannot read ${name}: it is not a Parquet file, or it is damaged or truncated (${duckDbMessage(error)})`,
    { cause: error },
  )
}
