import type { DuplicateIds, UnusableIds } from './idChecks.ts'
import type { LabelFigures } from './clickFigures.ts'
import { formatPercent } from '../../format.ts'
import { rowsText } from './columnWarnings.ts'
import type { PlaceFigures } from './placeFigures.ts'
import type { InspectionWarning } from './report.ts'

/** A column that training needs and that the file lacks. */
export function missingColumn(
  file: string,
  column: string,
  { flag, names }: { flag: string; names: readonly string[] },
): InspectionWarning {
  const few = names.length > 20 ? [...names.slice(0, 20), `… ${names.length - 20} more`] : names
  return {
    kind: 'missingColumn',
    file,
    column,
    message: `${file}: it has no column ${column}, its columns are ${few.join(', ')}; give its name with ${flag}`,
  }
}

export function wrongType(file: string, column: string, wanted: string, found: string): InspectionWarning {
  return {
    kind: 'wrongType',
    file,
    column,
    message: `${file}: column ${column} must hold ${wanted}, found ${found}; convert it`,
  }
}

export function unreadableColumn(file: string, column: string, problem: string): InspectionWarning {
  const isMemory = problem.startsWith('Out of Memory')
  const advice = isMemory ? 'write the file with smaller row groups' : 'write it again, or remove it'
  return {
    kind: 'unreadable',
    file,
    column,
    message: `${file}: column ${column} cannot be read (${problem}); ${advice}`,
  }
}

export function missingIds(file: string, column: string, rows: number): InspectionWarning {
  return {
    kind: 'missingId',
    file,
    column,
    message: `${file}: column ${column} is missing in ${rowsText(rows)}, which training refuses; fill it, or remove these rows`,
  }
}

export function unusableId(
  file: string,
  column: string,
  { rows, example, wanted }: UnusableIds,
): InspectionWarning {
  return {
    kind: 'unusableId',
    file,
    column,
    message: `${file}: column ${column} must hold ${wanted}, and ${rowsText(rows)} ${rows === 1 ? 'holds' : 'hold'} something else, such as ${example}; correct them, training refuses them`,
  }
}

export function duplicates(
  file: string,
  column: string,
  { ids, rows, example }: DuplicateIds,
): InspectionWarning {
  return {
    kind: 'duplicateId',
    file,
    column,
    message: `${file}: column ${column} holds ${ids === 1 ? 'an id' : `${ids} ids`} more than once (${rowsText(rows)}, such as ${example}); keep one row for each`,
  }
}

/** What is wrong with coordinates. */
export function placeWarnings(
  file: string,
  [latitude, longitude]: readonly [string, string],
  { missing, outside, swapped }: PlaceFigures,
): InspectionWarning[] {
  const warnings: InspectionWarning[] = []
  const warn = (column: string, text: string) =>
    warnings.push({ kind: 'place', file, column, message: `${file}: ${text}` })
  if (missing > 0)
    warn(
      latitude,
      `columns ${latitude} and ${longitude} lack a place in ${rowsText(missing)}; fill them, or remove these rows`,
    )
  if (outside > 0 && 2 * swapped > outside)
    warn(
      latitude,
      `columns ${latitude} and ${longitude} look swapped in ${rowsText(outside)} (latitude beyond ±90 degrees); swap them, or give their names with --latitude-column and --longitude-column`,
    )
  else if (outside > 0)
    warn(
      latitude,
      `columns ${latitude} and ${longitude} are out of range in ${rowsText(outside)} (beyond ±90 and ±180 degrees); correct these rows`,
    )
  return warnings
}

/** What is wrong with labels. */
export function labelWarnings(
  file: string,
  column: string,
  { clicks, noClicks, others, example }: LabelFigures,
): InspectionWarning[] {
  const warning = (kind: InspectionWarning['kind'], text: string): InspectionWarning => ({
    kind,
    file,
    column,
    message: `${file}: column ${column} ${text}`,
  })
  const warnings: InspectionWarning[] = []
  if (others > 0)
    warnings.push(
      warning(
        'label',
        `must be 0 or 1 in every row, found ${example === null ? 'null' : `${example} and the like`} in ${rowsText(others)}; correct them, or remove these rows`,
      ),
    )
  if (others === 0 && clicks + noClicks > 0 && (clicks === 0 || noClicks === 0))
    warnings.push(
      warning(
        'label',
        `is ${clicks === 0 ? 0 : 1} in every row, so there is nothing to learn; add the rows ${clicks === 0 ? 'with' : 'without'} a click`,
      ),
    )
  return warnings
}

/** Clicks whose user or restaurant is not in its table. */
export function withoutFeatures(
  clicks: string,
  { column, table, share }: { column: string; table: string; share: number },
): InspectionWarning {
  return {
    kind: 'noFeatures',
    file: clicks,
    column,
    message: `${clicks}: ${formatPercent(share)} of the rows have a ${column} that ${table} lacks; add these features, or train with --on-missing drop`,
  }
}
