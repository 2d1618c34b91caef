import { setImmediate as nextTurn } from 'node:timers/promises'
import { NearrankError } from '../errors.ts'
import { type Side, SIDES, SINGULAR } from '../features/featureSpec.ts'
import { shown } from '../shown.ts'
import type { StoreLayout } from '../store/featureStore.ts'
import type { LiveSet } from './liveSet.ts'
import type { RawRows } from './rawRows.ts'

const SLICE_ROWS = 256 // read and encoded in about a millisecond

interface EncodeOptions {
  from: LiveSet // has the same ids under the same numbers
  raw: Record<Side, RawRows>
  layout: StoreLayout
  /** Whether it is still of use: it ends at once where it is not. */
  isWanted: () => boolean
}

/**
 * Puts all rows of values into new tables, in slices between other work. Rows that come meanwhile are to be
 * put into both. Returns what an operator should know: which rows the features cannot be made of.
 * @throws NearrankError INPUT where they can be made of none of a side.
 */
export async function encodeRows(
  set: LiveSet,
  { from, raw, layout, isWanted }: EncodeOptions,
): Promise<string[]> {
  const notes: string[] = []
  for (const side of SIDES) {
    if (layout[side].form !== 'values') continue
    const { ids } = from.tables[side]
    const { degrees } = from.tables
    let [rows, leftOut, first] = [0, 0, '']
    for (let row = 0; row < ids.rows; row++) {
      if (row % SLICE_ROWS === 0) await nextTurn()
      if (!isWanted()) return []
      const values = raw[side].get(row)
      if (!values) continue
      rows++
      const id = ids.idAt(row)
      const place = { latitude: degrees[2 * row], longitude: degrees[2 * row + 1] }
      const put = set.put(side === 'users' ? { side, id, values } : { side, id, values, ...place })
      if (typeof put !== 'object') continue
      if (leftOut++ === 0) first = `${SINGULAR[side]} ${shown(id)}: ${put.problem}`
    }
    if (leftOut === 0) continue
    if (leftOut === rows)
      throw new NearrankError(
        'INPUT',
        `Cannot serve the model: it must be able to use the ${side} in the store, found none of ${rows} that it can, such as ${first}; train it on data like that in the store`,
      )
    notes.push(`The new model cannot use ${leftOut} of ${rows} ${side}, such as ${first}`)
  }
  return notes
}
