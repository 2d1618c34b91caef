import type { DeclaredFeature } from '../../features/declared.ts'
import { frequentValues } from './frequentValues.ts'
import type { Source } from './openSources.ts'
import type { Reader } from './reader.ts'
import type { ColumnRole, InspectedColumn } from './report.ts'
import type { ColumnSummary, UnreadableColumn } from './summarizeColumns.ts'

/** What a column is, and what it becomes: a feature, nothing, or nothing for a reason. */
export interface Verdict {
  role: ColumnRole
  becomes: DeclaredFeature | string | null
}

/**
 * A column as it is reported; asks for its most frequent values, and tells `onVocabulary` more of them than
 * it reports.
 */
export async function inspectedColumn(
  reader: Reader,
  source: Source,
  summary: ColumnSummary,
  { role, becomes, onVocabulary }: Verdict & { onVocabulary?: (values: readonly string[]) => void },
): Promise<InspectedColumn> {
  const { column, measured, low, high } = summary
  const found = role === 'id' ? undefined : await frequentValues(reader, source, summary)
  if (found) onVocabulary?.(found.vocabulary)
  return {
    ...column,
    role,
    missing: measured.missing,
    missingShare: measured.missing / source.rows,
    distinct: found?.distinct ?? summary.distinct,
    low,
    high,
    lengths: measured.lengths ?? null,
    frequent: found?.frequent ?? [],
    ...outcome(becomes),
  }
}

/** A column of which nothing but its name and type is known. */
export function unreadColumn({ column, problem }: UnreadableColumn, role: ColumnRole): InspectedColumn {
  return {
    ...column,
    role,
    missing: 0,
    missingShare: 0,
    distinct: null,
    low: null,
    high: null,
    lengths: null,
    frequent: [],
    ...outcome(`it cannot be read (${problem})`),
  }
}

function outcome(becomes: Verdict['becomes']): Pick<InspectedColumn, 'feature' | 'leftOut'> {
  if (typeof becomes === 'string') return { feature: null, leftOut: becomes }
  return { feature: becomes, leftOut: null }
}
