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

// A full read that finds fewer rows of a side than this part of what memory holds has not found what was lost
// and is being written again, row by row.
const WHOLE_FROM = 0.1

/** Between a connection's replies and the listener: replies of `readCommand` go in, rows come out. */
export class RedisListener {
  readonly #prefix: string
  readonly #layout: StoreLayout
  readonly #listener: StoreListener
  readonly #problems: ProblemWindow
  // Before the first full read nothing is told: it begins later than what was read until then.
  #hasBegun = false
  #hasRead = false // everything, once
  #held: Record<Side, number> = { users: 0, restaurants: 0 } // when the full read began
  #read: Record<Side, number> = { users: 0, restaurants: 0 } // by it
  #told: Record<Side, number> = { users: 0, restaurants: 0 } // changes since it began, that are no deletions
  #isLost = false

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

  /** What of the rows the store has lost, for an operator; undefined: nothing, or it is not known yet. */
  get loss(): string | undefined {
    if (!this.#isLost) return undefined
    const [read, held] = [countsOf(this.#read), countsOf(this.#held)]
    return `The store has lost its rows: ${read} were found, so the ${held} in memory stay in use. Load the rows again; if the store is meant to be that empty, restart this server.`
  }

  /** Whether a full read may find enough of what was lost by now. */
  get mayBeWhole(): boolean {
    return SIDES.every((side) => this.#read[side] + this.#told[side] >= WHOLE_FROM * this.#held[side])
  }

  syncStart(): void {
    this.#hasBegun = true
    this.#held = { ...this.#listener.counts }
    this.#read = { users: 0, restaurants: 0 }
    this.#told = { users: 0, restaurants: 0 }
    this.#listener.onSyncStart()
  }

  /**
   * False, and what is held stays, if most of it is gone at once, for nobody deletes rows that way, or if
   * rows are yet to come from a fill.
   */
  syncEnd(isFilling: boolean): boolean {
    this.#problems.end()
    const wasLost = this.#isLost
    this.#isLost = this.#hasRead && SIDES.some((side) => this.#read[side] < WHOLE_FROM * this.#held[side])
    if (this.#isLost) {
      if (!wasLost) this.#listener.onProblem(this.loss ?? '')
      return false
    }
    if (isFilling && this.#hasRead) return false
    this.#hasRead = true
    this.#listener.onSyncEnd()
    return true
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
    for (const side of SIDES) this.#read[side] += rows[side].length
    for (const side of SIDES)
      if (rows[side].length > 0) this.#listener.onBatch(batchOf(side, rows[side], this.#layout[side]))
  }

  /** Tells of rows that have changed. What is gone or damaged is deleted. */
  changes(keys: readonly RowKey[], replies: readonly unknown[]): void {
    const changes = keys.map((key, i): Change => {
      const decoded = this.#decode(key, replies[i])
      return 'row' in decoded ? decoded.row : { side: key.side, id: key.id, deleted: true }
    })
    for (const change of changes) if (!('deleted' in change)) this.#told[change.side]++
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

function countsOf({ users, restaurants }: Record<Side, number>): string {
  return `${users} users and ${restaurants} restaurants`
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
