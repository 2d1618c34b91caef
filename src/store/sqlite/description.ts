import type { DatabaseSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import { isIdKind } from '../../ids.ts'
import type { StoreLayout } from '../featureStore.ts'
import { parseNames } from '../layout.ts'

export const APPLICATION_ID = 0x4e526673 // "NRfs", so that `file` and we know whose file it is
export const FORMAT = 1 // both sides hold vectors, as version 0.1 wrote them
export const FORMAT_WITH_VALUES = 2

const COLUMNS: Record<Side | 'layout', readonly string[]> = {
  layout: ['side', 'features', 'ids', 'names', 'row_count', 'filling'],
  users: ['id', 'features'],
  restaurants: ['id', 'features', 'latitude', 'longitude'],
}

/**
 * Whether there is nothing in the file yet. Changes nothing in files of others.
 * @throws NearrankError INPUT: it is no store, or of a newer format.
 */
export function checkOwner(database: DatabaseSync, path: string): boolean {
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

/**
 * What a store holds, and its numbers of rows as the last writer counted them.
 * @throws NearrankError DAMAGED
 */
export function readLayout(
  database: DatabaseSync,
  path: string,
): { layout: StoreLayout; rows: Record<Side, number>; isFilling: boolean } {
  const hasForms = numberOf(database, 'PRAGMA user_version') === FORMAT_WITH_VALUES
  checkTables(database, path, hasForms)
  const select = database.prepare(
    `SELECT features, ids, names, ${hasForms ? 'form' : 'NULL AS form'}, row_count AS count, filling FROM layout WHERE side = ?`,
  )
  const layout: Partial<StoreLayout> = {}
  const rows = { users: 0, restaurants: 0 }
  let isFilling = false
  for (const side of SIDES) {
    const { features, ids, names: json, form, count, filling } = select.get(side) ?? {}
    const areKnown = isCount(features) && isCount(count) && isIdKind(ids)
    const isForm = form === null || (form === 'values' && json !== null)
    const names = areKnown && typeof json === 'string' ? parseNames(json, features) : undefined
    if (!areKnown || !isForm || (json !== null && names === undefined))
      throw new NearrankError(
        'DAMAGED',
        `Cannot open the store ${path}: its description of the ${side} is damaged; restore a backup, or fill a new store`,
      )
    layout[side] = { features, ids, ...(names && { names }), ...(form === 'values' && { form }) }
    rows[side] = count
    isFilling ||= filling !== 0
  }
  return { layout: layout as StoreLayout, rows, isFilling }
}

function checkTables(database: DatabaseSync, path: string, hasForms: boolean): void {
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)')
  for (const [table, wanted] of Object.entries(COLUMNS)) {
    const found = new Set(columns.all(table).map(({ name }) => name))
    const all = table === 'layout' && hasForms ? [...wanted, 'form'] : wanted
    if (all.some((name) => !found.has(name)))
      throw new NearrankError(
        'DAMAGED',
        `Cannot open the store ${path}: its table ${table} is ${found.size === 0 ? 'missing' : 'damaged'}; restore a backup, or fill a new store`,
      )
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0])
}
