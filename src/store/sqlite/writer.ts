import type { StatementSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type FeatureId, toInt64 } from '../../ids.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import { rowText } from '../../features/rawRow.ts'
import type { Change, FeatureRow } from '../featureStore.ts'
import type { SqliteFile } from './file.ts'

/** Changes that are taken in before other work has its turn: some milliseconds. */
export const SLICE_ROWS = 4096

interface Statements {
  insert: StatementSync
  update: StatementSync
  delete: StatementSync
}

/** Puts changes into a store's file, a group at a time, and keeps its number of rows. */
export class SqliteWriter {
  readonly #file: SqliteFile
  readonly #statements: Record<Side, Statements>
  readonly #setRows: StatementSync

  constructor(file: SqliteFile) {
    const prepare = (sql: string) => {
      const statement = file.database.prepare(sql)
      statement.setReadBigInts(true) // a run tells the last rowid, which may be any 64-bit id
      return statement
    }
    this.#file = file
    this.#statements = {
      users: {
        insert: prepare('INSERT INTO users (features, id) VALUES (?, ?) ON CONFLICT DO NOTHING'),
        update: prepare('UPDATE users SET features = ? WHERE id = ?'),
        delete: prepare('DELETE FROM users WHERE id = ?'),
      },
      restaurants: {
        insert: prepare(
          'INSERT INTO restaurants (features, latitude, longitude, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        ),
        update: prepare('UPDATE restaurants SET features = ?, latitude = ?, longitude = ? WHERE id = ?'),
        delete: prepare('DELETE FROM restaurants WHERE id = ?'),
      },
    }
    this.#setRows = prepare('UPDATE layout SET row_count = ? WHERE side = ?')
  }

  /**
   * Writes and syncs all of them, or none, in slices between other work: about 2 µs a row and a sync. Until
   * it is done, whatever else the connection does belongs to the same transaction.
   * @throws SQLite's errors.
   */
  async commit(writes: readonly (readonly Change[])[]): Promise<void> {
    const { database, rows } = this.#file
    const added = { users: 0, restaurants: 0 }
    database.exec('BEGIN')
    try {
      let done = 0
      for (const changes of writes)
        for (const change of changes) {
          added[change.side] += this.#apply(change)
          if (++done % SLICE_ROWS === 0) await nextTurn()
        }
      for (const side of SIDES) if (added[side] !== 0) this.#setRows.run(rows[side] + added[side], side)
      database.exec('COMMIT')
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    rows.users += added.users
    rows.restaurants += added.restaurants
  }

  /** How many rows there are more. */
  #apply(change: Change): number {
    const statements = this.#statements[change.side]
    const id = storedId(change.id)
    if ('deleted' in change) return -Number(statements.delete.run(id).changes)
    const bytes = bytesOf(change)
    const values = change.side === 'users' ? [bytes, id] : [bytes, change.latitude, change.longitude, id]
    // Inserting first is the quick way for a bulk load, and unlike an upsert it tells whether the row is new.
    if (Number(statements.insert.run(...values).changes) === 1) return 1
    statements.update.run(...values)
    return 0
  }
}

/** Vectors as float32 in the machine's order, values as JSON. */
function bytesOf(row: FeatureRow): Uint8Array {
  if ('values' in row) return Buffer.from(rowText(row.values))
  const { buffer, byteOffset, byteLength } = row.features
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Unsigned ids are kept as signed integers of the same bits: SQLite has no others. */
function storedId(id: FeatureId): number | bigint | string {
  return typeof id === 'string' ? id : toInt64(id)
}
