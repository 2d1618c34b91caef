import { type Side, SIDES } from '../../features/featureSpec.ts'
import { listed, type RawRow } from '../../features/rawRow.ts'
import type {
  Change,
  FeatureBatch,
  FeatureRow,
  SideLayout,
  StoreLayout,
  StoreListener,
} from '../featureStore.ts'
import { ProblemWindow } from '../problemWindow.ts'
import type { RedisCommand } from './connection.ts'
import { type DecodedRow, decodeRow, parseKey, readCommand, type RowKey } from './rows.ts'

/** Between a connection's replies and the listener: replies of `readCommand` go in, rows come out. */
export class RedisListener {
  readonly #prefix: string
  readonly #layout: StoreLayout
  readonly #listener: StoreListener
  readonly #problems: ProblemWindow
  // Before the first full read nothing is told: it begins later than what was read until then.
  #hasBegun = false

  constructor(prefix: string, layout: StoreLayout, listener: StoreListener) {
    this.#prefix = prefix
    this.#layout = layout
    this.#listener = listener
    this.#problems = new ProblemWindow('keys', (message) => listener.onProblem(message))
  }

  /**
   * The rows that `keys` name. Keys with an impossible id are a problem,
   * keys of other things are none of ours.
   */
  rowKeys(keys: readonly string[]): RowKey[] {
    const rows: RowKey[] = []
    for (const key of keys) {
      const row = parseKey(this.#prefix, key, this.#layout)
      if (typeof row === 'string') this.#problems.tell(row)
      else if (row !== undefined) rows.push(row)
    }
    return rows
  }

  syncStart(): void {
    this.#hasBegun = true
    this.#listener.onSyncStart()
  }

  syncEnd(): void {
    this.#problems.end()
    this.#listener.onSyncEnd()
  }

  /** Tells of rows that a full read found. What is gone or damaged is left out. */
  batch(keys: readonly RowKey[], replies: readonly unknown[]): void {
    const rows: Record<Side, FeatureRow[]> = { users: [], restaurants: [] }
    for (const [i, key] of keys.entries()) {
      const decoded = this.#decode(key, replies[i])
      if ('row' in decoded) rows[key.side].push(decoded.row)
      // The scan has found the key: most probably a hash with other fields.
      else if ('absent' in decoded)
        this.#problems.tell(
          `Cannot use the hash ${key.key}: it must have ${this.#wantedFields(key.side)}, found none, unless it has just been deleted; write it again`,
        )
    }
    for (const side of SIDES)
      if (rows[side].length > 0) this.#listener.onBatch(batchOf(side, rows[side], this.#layout[side]))
  }

  /** Tells of rows that have changed. What is gone or damaged is deleted. */
  changes(keys: readonly RowKey[], replies: readonly unknown[]): void {
    const changes = keys.map((key, i): Change => {
      const decoded = this.#decode(key, replies[i])
      return 'row' in decoded ? decoded.row : { side: key.side, id: key.id, deleted: true }
    })
    if (changes.length > 0 && this.#hasBegun) this.#listener.onChanges(changes)
  }

  /** The command that reads a row. */
  readCommand(key: RowKey): RedisCommand {
    return readCommand(key, this.#layout)
  }

  #wantedFields(side: Side): string {
    const { form, names = [] } = this.#layout[side]
    return form === 'values' ? `fields of features (${listed(names)})` : 'the field features'
  }

  #decode(key: RowKey, reply: unknown): DecodedRow {
    const decoded = decodeReply(key, reply, this.#layout)
    if ('problem' in decoded) this.#problems.tell(decoded.problem)
    return decoded
  }
}

function decodeReply(key: RowKey, reply: unknown, layout: StoreLayout): DecodedRow {
  if (Array.isArray(reply)) return decodeRow(key, reply, layout)
  if (reply instanceof Error && reply.message.startsWith('WRONGTYPE'))
    return { problem: `Cannot use the key ${key.key}: it must be a hash, found another type; delete it` }
  throw reply // the server cannot answer now: nothing is known of the row
}

function batchOf(
  side: Side,
  rows: readonly FeatureRow[],
  { form, features: width }: SideLayout,
): FeatureBatch {
  const latitude = side === 'users' ? null : new Float64Array(rows.length)
  const longitude = side === 'users' ? null : new Float64Array(rows.length)
  const features = new Float32Array(form === 'values' ? 0 : rows.length * width)
  const values: RawRow[] = []
  for (const [i, row] of rows.entries()) {
    if ('values' in row) values.push(row.values)
    else features.set(row.features, i * width)
    if (row.side === 'users' || latitude === null || longitude === null) continue
    latitude[i] = row.latitude
    longitude[i] = row.longitude
  }
  const own = form === 'values' ? { values } : { features }
  return { side, ids: rows.map(({ id }) => id), ...own, latitude, longitude }
}
