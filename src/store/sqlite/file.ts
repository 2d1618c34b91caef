import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import { diskError, isMissing, syncDirectory } from '../../files.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import { isIdKind } from '../../ids.ts'
import type { OpenStoreOptions, StoreLayout } from '../featureStore.ts'
import { agreeOnLayout, newLayout, parseNames } from '../layout.ts'
import { sqliteError } from './error.ts'

const APPLICATION_ID = 0x4e526673 // "NRfs", so that `file` and we know whose file it is
const FORMAT = 1 // both sides hold vectors, as version 0.1 wrote them
const FORMAT_WITH_VALUES = 2
const LOCK_WAIT_MS = 500 // for a server that is just ending

export interface SqliteFile {
  database: DatabaseSync
  layout: StoreLayout
  rows: Record<Side, number> // as the last writer counted them
}

/**
 * Opens the store in the file `path` for this process alone, and makes it where there is none; missing
 * folders are made. What a killed process left in its write-ahead log is taken in.
 * @throws NearrankError INPUT, CONFLICT, DAMAGED, DISK
 */
export async function openSqliteFile(path: string, options: OpenStoreOptions): Promise<SqliteFile> {
  const action = `open the store ${path}`
  // Absolute, since SQLite has meanings of its own for `:memory:` and `file:…`.
  const target = resolve(path)
  await prepare(target, action)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(target, { timeout: LOCK_WAIT_MS })
    const file = await openDatabase(database, path, options)
    await syncDirectory(dirname(target))
    return file
  } catch (error) {
    database?.close()
    throw sqliteError(error, action)
  }
}

async function prepare(target: string, action: string): Promise<void> {
  try {
    const there = await stat(target)
    if (!there.isFile())
      throw new NearrankError(
        'INPUT',
        `Cannot ${action}: it must be a file, found ${there.isDirectory() ? 'a folder' : 'a device or pipe'}; choose another path`,
      )
  } catch (error) {
    if (!isMissing(error)) throw diskError(error, action)
    await mkdir(dirname(target), { recursive: true }).catch((reason: unknown) => {
      throw diskError(reason, action)
    })
  }
}

async function openDatabase(
  database: DatabaseSync,
  path: string,
  options: OpenStoreOptions,
): Promise<SqliteFile> {
  // Set before the first access, this keeps the index of the log in our
  // own memory, and the file ours as long as we run.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const made = checkOwner(database, path) ? await newLayout(options) : undefined
  // A commit in WAL mode is on disk only with FULL; NORMAL would sync at checkpoints alone.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE')
  if (made) createTables(database, made)
  const [found, rows] = readLayout(database, path)
  const agreed = agreeOnLayout(found, options.layout)
  if (typeof agreed === 'string')
    throw new NearrankError(
      'INPUT',
      `Cannot open the store ${path}: ${agreed}; choose another path, or fill a new store with nearrank load --model`,
    )
  const setNames = database.prepare('UPDATE layout SET names = ? WHERE side = ?')
  for (const side of agreed.unnamed) setNames.run(JSON.stringify(agreed.layout[side].names), side)
  database.exec('COMMIT')
  return { database, layout: agreed.layout, rows }
}

/** Whether there is nothing in the file yet. Changes nothing in files of others. */
function checkOwner(database: DatabaseSync, path: string): boolean {
  const owner = numberOf(database, 'PRAGMA application_id')
  const format = numberOf(database, 'PRAGMA user_version')
  if (owner === 0 && format === 0 && numberOf(database, 'SELECT count(*) FROM sqlite_schema') === 0)
    return true
  if (owner !== APPLICATION_ID)
    throw new NearrankError(
      'INPUT',
      `Cannot open the store ${path}: it must be a feature store, found a SQLite file of another program; choose another path`,
    )
  if (format !== FORMAT && format !== FORMAT_WITH_VALUES)
    throw new NearrankError(
      'INPUT',
      `Cannot open the store ${path}: its format must be ${FORMAT} or ${FORMAT_WITH_VALUES}, found ${format}; update nearrank, or fill a new store`,
    )
  return false
}

function createTables(database: DatabaseSync, layout: StoreLayout): void {
  const idOf = (side: Side) => (layout[side].ids === 'string' ? 'TEXT' : 'INTEGER')
  const hasValues = SIDES.some((side) => layout[side].form === 'values')
  database.exec(`
    CREATE TABLE layout (
      side TEXT PRIMARY KEY, features INTEGER NOT NULL, ids TEXT NOT NULL, names TEXT,
      row_count INTEGER NOT NULL DEFAULT 0, filling INTEGER NOT NULL DEFAULT 0${hasValues ? ', form TEXT' : ''}
    ) STRICT;
    CREATE TABLE users (id ${idOf('users')} PRIMARY KEY NOT NULL, features BLOB NOT NULL) STRICT;
    CREATE TABLE restaurants (
      id ${idOf('restaurants')} PRIMARY KEY NOT NULL, features BLOB NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL
    ) STRICT;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${hasValues ? FORMAT_WITH_VALUES : FORMAT}`)
  const insert = database.prepare('INSERT INTO layout (side, features, ids) VALUES (?, ?, ?)')
  for (const side of SIDES) insert.run(side, layout[side].features, layout[side].ids)
  if (!hasValues) return
  const setForm = database.prepare('UPDATE layout SET form = ?, names = ? WHERE side = ?')
  for (const side of SIDES) {
    const { form, names } = layout[side]
    if (form === 'values') setForm.run(form, JSON.stringify(names), side)
  }
}

function readLayout(database: DatabaseSync, path: string): [StoreLayout, Record<Side, number>] {
  const hasForms = numberOf(database, 'PRAGMA user_version') === FORMAT_WITH_VALUES
  const select = database.prepare(
    `SELECT features, ids, names, ${hasForms ? 'form' : 'NULL AS form'}, row_count AS rows FROM layout WHERE side = ?`,
  )
  const layout: Partial<StoreLayout> = {}
  const counts = { users: 0, restaurants: 0 }
  for (const side of SIDES) {
    const { features, ids, names: json, form, rows } = select.get(side) ?? {}
    const areKnown = isCount(features) && isCount(rows) && isIdKind(ids)
    const isForm = form === null || (form === 'values' && json !== null)
    const names = areKnown && typeof json === 'string' ? parseNames(json, features) : undefined
    if (!areKnown || !isForm || (json !== null && names === undefined))
      throw new NearrankError(
        'DAMAGED',
        `Cannot open the store ${path}: its description of the ${side} is damaged; restore a backup, or fill a new store`,
      )
    layout[side] = { features, ids, ...(names && { names }), ...(form === 'values' && { form }) }
    counts[side] = rows
  }
  return [layout as StoreLayout, counts]
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0])
}
