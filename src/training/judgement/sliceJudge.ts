import type { ClickRows } from '../../dataset/clicks/rowLayout.ts'
import { ClickMetrics } from '../../metrics/clickMetrics.ts'
import { GroupOrders } from '../../metrics/groupOrders.ts'
import type { OrderJudgement, OrderSums } from '../../metrics/orderSums.ts'
import type { SliceColumn, SliceValue } from './sliceColumns.ts'

/** How good a model is on the rows with one value of a feature. */
export interface JudgedSlice extends SliceValue {
  slice: string // the feature
  rows: number
  clickRate: number
  auc: number | null
  logLoss: number
  calibrationError: number
  byGroup: OrderJudgement | null // of the rows of each group that have the value; null: there are no groups
}

/** What differences on the rows with one value are made of. */
export interface SliceSums extends SliceValue {
  slice: string
  sums: OrderSums
}

/** What judging one slice takes of memory: histograms and sums of up to 11 values. */
export const SLICE_BYTES = 11 * 4 * 2 ** 20
/** What its sums take, as long as they are kept. */
export const SLICE_SUMS_BYTES = 11 * 2 ** 18

interface Part {
  metrics: ClickMetrics
  groups: GroupOrders | null
  logits: Float32Array // of the chunk at hand
  clicks: Uint8Array
  groupNumbers: Uint32Array
  rows: number
}

/** Judges the rows of each value of a slice by themselves. */
export class SliceJudge {
  readonly #column: SliceColumn
  readonly #parts: Part[]
  readonly #places: Uint8Array

  /** `chunkRows`: rows that are added at a time, at most. */
  constructor(
    column: SliceColumn,
    { chunkRows, hasGroups, withLoss = false }: { chunkRows: number; hasGroups: boolean; withLoss?: boolean },
  ) {
    this.#column = column
    this.#places = new Uint8Array(chunkRows)
    this.#parts = column.values.map(() => ({
      metrics: new ClickMetrics({ users: 0 }),
      groups: hasGroups ? new GroupOrders(['model'], [], { withLoss }) : null,
      logits: new Float32Array(chunkRows),
      clicks: new Uint8Array(chunkRows),
      groupNumbers: new Uint32Array(chunkRows),
      rows: 0,
    }))
  }

  /** Adds the first `count` rows. */
  add(logits: Float32Array, rows: ClickRows, count: number): void {
    const places = this.#places
    this.#column.placesInto(places, rows, count)
    for (const part of this.#parts) part.rows = 0
    const groups = rows.groups as Uint32Array | undefined
    for (let row = 0; row < count; row++) {
      const part = this.#parts[places[row]]
      const at = part.rows++
      part.logits[at] = logits[row]
      part.clicks[at] = rows.clicks[row]
      if (groups) part.groupNumbers[at] = groups[row]
    }
    for (const part of this.#parts) {
      part.metrics.add(part.logits, part.clicks, NO_USERS, part.rows)
      const { logits: own, clicks } = part
      part.groups?.add({ scores: [own], clicks, count: part.rows }, part.groupNumbers)
    }
  }

  /** The sums of each value by group; none if there are no groups. */
  sums(): SliceSums[] {
    return this.#parts.flatMap(({ groups }, i) => {
      groups?.end()
      const { is, value } = this.#column.values[i]
      return groups ? [{ slice: this.#column.name, is, value, sums: groups.sums }] : []
    })
  }

  result(): JudgedSlice[] {
    return this.#parts.map(({ metrics, groups }, i) => {
      const { rows, clickRate, auc, logLoss, calibrationError } = metrics.result()
      groups?.end()
      return {
        slice: this.#column.name,
        is: this.#column.values[i].is,
        value: this.#column.values[i].value,
        rows,
        clickRate,
        auc,
        logLoss,
        calibrationError,
        byGroup: groups?.sums.judgement() ?? null,
      }
    })
  }
}

const NO_USERS = new Uint32Array(0) // they are not read
