import { type Side, SIDES } from '../../features/featureSpec.ts'
import type { Change, FeatureBatch, StoreLayout, StoreListener } from '../featureStore.ts'
import { type DecodedRow, decodeRow, parseKey, type RowKey } from './rows.ts'

type Row = Exclude<Change, { deleted: true }>

const PROBLEMS_MAX = 10 // that are told one by one in each window; a wrong writer may damage a million rows
const WINDOW_MS = 10_000

/** Between a connection's replies and the listener: replies of `readCommand` go in, rows come out. */
export class RedisListener {
  readonly #prefix: string
  readonly #layout: StoreLayout
  readonly #listener: StoreListener
  #windowStartMs = -Infinity
  #problems = 0 // in this window
  // Before the first full read nothing is told: it begins later than what was read until then.
  #hasBegun = false

  constructor(prefix: string, layout: StoreLayout, listener: StoreListener) {
    this.#prefix = prefix
    this.#layout = layout
    this.#listener = listener
  }

  /**
   * The rows that `keys` name. Keys with an impossible id are a problem,
   * keys of other things are none of ours.
   */
  rowKeys(keys: readonly string[]): RowKey[] {
    const rows: RowKey[] = []
    for (const key of keys) {
      const row = parseKey(this.#prefix, key, this.#layout)
      if (typeof row === 'string') this.#tell(row)
      else if (row !== undefined) rows.push(row)
    }
    return rows
  }

  syncStart(): void {
    this.#hasBegun = true
    this.#listener.onSyncStart()
  }

  syncEnd(): void {
    this.#endWindow()
    this.#listener.onSyncEnd()
  }

  /** Tells of rows that a full read found. What is gone or damaged is left out. */
  batch(keys: readonly RowKey[], replies: readonly unknown[]): void {
    const rows: Record<Side, Row[]> = { users: [], restaurants: [] }
    for (const [i, key] of keys.entries()) {
      const decoded = this.#decode(key, replies[i])
      if ('row' in decoded) rows[key.side].push(decoded.row)
      // The scan has found the key: most probably a hash with other fields.
      else if ('absent' in decoded)
        this.#tell(
          `Cannot use the hash ${key.key}: it must have the field features, found none, unless it has just been deleted; write it again`,
        )
    }
    for (const side of SIDES)
      if (rows[side].length > 0)
        this.#listener.onBatch(batchOf(side, rows[side], this.#layout[side].features))
  }

  /** Tells of rows that have changed. What is gone or damaged is deleted. */
  changes(keys: readonly RowKey[], replies: readonly unknown[]): void {
    const changes = keys.map((key, i): Change => {
      const decoded = this.#decode(key, replies[i])
      return 'row' in decoded ? decoded.row : { side: key.side, id: key.id, deleted: true }
    })
    if (changes.length > 0 && this.#hasBegun) this.#listener.onChanges(changes)
  }

  #decode(key: RowKey, reply: unknown): DecodedRow {
    const decoded = decodeReply(key, reply, this.#layout)
    if ('problem' in decoded) this.#tell(decoded.problem)
    return decoded
  }

  #tell(problem: string): void {
    if (performance.now() - this.#windowStartMs > WINDOW_MS) this.#endWindow()
    this.#problems++
    if (this.#problems <= PROBLEMS_MAX) this.#listener.onProblem(problem)
  }

  #endWindow(): void {
    const leftOut = this.#problems - PROBLEMS_MAX
    if (leftOut > 0)
      this.#listener.onProblem(
        `Cannot use ${leftOut} more keys either; at most ${PROBLEMS_MAX} are named at a time`,
      )
    this.#windowStartMs = performance.now()
    this.#problems = 0
  }
}

function decodeReply(key: RowKey, reply: unknown, layout: StoreLayout): DecodedRow {
  if (Array.isArray(reply)) return decodeRow(key, reply, layout)
  if (reply instanceof Error && reply.message.startsWith('WRONGTYPE'))
    return { problem: `Cannot use the key ${key.key}: it must be a hash, found another type; delete it` }
  throw reply // the server cannot answer now: nothing is known of the row
}

function batchOf(side: Side, rows: readonly Row[], width: number): FeatureBatch {
  const features = new Float32Array(rows.length * width)
  const latitude = side === 'users' ? null : new Float64Array(rows.length)
  const longitude = side === 'users' ? null : new Float64Array(rows.length)
  for (const [i, row] of rows.entries()) {
    features.set(row.features, i * width)
    if (row.side === 'users' || latitude === null || longitude === null) continue
    latitude[i] = row.latitude
    longitude[i] = row.longitude
  }
  return { side, ids: rows.map(({ id }) => id), features, latitude, longitude }
}
