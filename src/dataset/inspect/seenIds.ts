import { type Side, SIDES } from '../../features/featureSpec.ts'
import { formatPercent } from '../../format.ts'
import type { ColumnNames } from '../options.ts'
import { tableColumns } from '../tables/tablePlan.ts'
import { idTypeOf, sampledIdSql } from './idChecks.ts'
import type { Source } from './openSources.ts'
import type { InspectionWarning } from './report.ts'

const IDS_MAX = 5000 // that are remembered of a side: all, or those of a part by their hash
const NEW_SHARE_TOLD = 0.5 // of the test clicks

/** Hashes of the ids that training clicks have, as texts with commas. */
export type SeenIds = Partial<Record<Side, string>>

/** The training clicks, and what is remembered of their ids. */
export interface SeenClicks {
  source: Source
  seen: SeenIds
}

interface Asked {
  side: Side
  column: string
  sql: string[]
}

/**
 * What to ask of the ids of clicks: of training clicks which there are, of test clicks how many there are and
 * how many of them training clicks have. Of sides without a table, nothing.
 */
export function seenIdsSql(
  source: Source,
  { names, tables, train }: { names: ColumnNames; tables: Partial<Record<Side, Source>>; train?: SeenClicks },
): Asked[] {
  return SIDES.flatMap((side) => {
    const { idColumn } = tableColumns(side, names)
    const columnOf = (file: Source | undefined) => file?.columns.find(({ name }) => name === idColumn)
    const [column, trained, table] = [columnOf(source), columnOf(train?.source), tables[side]]
    const key = table && column && sampledIdSql(source, column, Math.ceil(table.rows / IDS_MAX))
    if (!key) return []
    if (!train)
      return [
        {
          side,
          column: idColumn,
          sql: [`array_to_string(list(DISTINCT ${key}) FILTER (WHERE ${key} IS NOT NULL), ',')`],
        },
      ]
    const seen = train.seen[side]
    if (seen === undefined || !trained || idTypeOf(train.source, trained) !== idTypeOf(source, column))
      return []
    const known = `SELECT unnest([${seen}]::UBIGINT[])`
    return [
      { side, column: idColumn, sql: [`count(${key})`, `count(CASE WHEN ${key} IN (${known}) THEN 1 END)`] },
    ]
  })
}

/** What training clicks have, from the values that were asked for. */
export function seenIds(asked: readonly Asked[], values: readonly unknown[]): SeenIds {
  const seen: SeenIds = {}
  for (const [i, { side }] of asked.entries()) if (typeof values[i] === 'string') seen[side] = values[i]
  return seen
}

/** The shares of test clicks whose ids no training click has, from the values that were asked for. */
export function newShares(
  asked: readonly Asked[],
  values: readonly unknown[],
): { side: Side; column: string; share: number }[] {
  return asked.flatMap(({ side, column }, i) => {
    const [all, known] = values.slice(2 * i).map(Number)
    return all > 0 ? [{ side, column, share: (all - known) / all }] : []
  })
}

/** Test clicks of users or restaurants that training does not meet; undefined: they are not most. */
export function mostlyNew(
  file: string,
  { column, share }: { column: string; share: number },
): InspectionWarning | undefined {
  if (share <= NEW_SHARE_TOLD) return undefined
  return {
    kind: 'newIds',
    file,
    column,
    message: `${file}: ${formatPercent(share)} of the rows have a ${column} that no training click has; ids as features tell nothing of them, so compare models with and without --ids`,
  }
}
