import { type ColumnFacts, type DeclaredFeature, inferFeature } from '../../features/declared.ts'
import { formatCount, formatPercent } from '../../format.ts'
import type { LabelLeak } from './labelLeak.ts'
import { EXACT_ROWS_MAX, type InspectionWarning, type WarningKind } from './report.ts'
import type { ColumnSummary } from './summarizeColumns.ts'

const CODE_VALUES_MAX = 200
const CODE_GAPS_MIN = 10 // integers in the range for each one that occurs
const CODE_ROWS_MIN = 10 // for each value that occurs
const CODE_NAME = /(?:^|[^a-z])id$|[a-z]I[dD]$|(?:code|type|level)$/i
const LEAK_AUC = 0.95
const LEAK_FILLED = 0.5 // difference of shares
const LEAK_ROWS_MIN = 20

/** What looks wrong about a column that is, or could be, a feature. */
export function columnWarnings(
  file: string,
  summary: ColumnSummary,
  feature: DeclaredFeature | string,
): InspectionWarning[] {
  const { column, measured, nan, infinite } = summary
  const { rows, missing } = measured
  const warnings: InspectionWarning[] = []
  const warn = (kind: WarningKind, text: string) =>
    warnings.push({
      kind,
      file,
      column: column.name,
      message: `${file}: column ${column.name} ${text}`,
    })
  if (missing === rows && nan < rows)
    warn('empty', 'is missing in every row; fill it, or remove it from the file')
  else if (measured.type === 'text' && hasTooManyTexts(measured, feature))
    warn(
      'distinctTexts',
      'has another text in nearly every row, so it is left out; if its words mean something, declare it as a feature of the kind text',
    )
  else if (isConstant(measured))
    warn('constant', 'has the same value in every row; correct its export, or remove it')
  if (nan > 0)
    warn('notFinite', `is NaN in ${rowsText(nan)}, which count as missing; write null if that is right`)
  if (infinite > 0 && measured.type === 'fraction')
    warn(
      'notFinite',
      `is infinite or too large in ${rowsText(infinite)}, which training refuses; write null or a finite value there`,
    )
  else if (infinite > 0 && measured.type === 'numbers') {
    if (typeof feature === 'object' && feature.kind === 'vector')
      warn(
        'notFinite',
        `has null, NaN or infinity in its list in ${rowsText(infinite)}, which training refuses; write finite numbers, or null for the whole list, or leave the column out`,
      )
  } else if (infinite > 0)
    warn(
      'notFinite',
      `is infinite in ${rowsText(infinite)}, which count as missing; write null if that is right`,
    )
  if (typeof feature === 'object' && feature.kind === 'number') {
    const reason = codeReason(summary)
    if (reason !== undefined)
      warn('code', `would be a number, but looks like a code (${reason}); if so, declare it as a category`)
  }
  return warnings
}

/** Why integers look like codes; undefined: they do not. */
function codeReason({ column, measured, distinct, low, high }: ColumnSummary): string | undefined {
  if (measured.type !== 'integer' || distinct < 2) return undefined
  if (CODE_NAME.test(column.name)) return 'by its name'
  if (typeof low !== 'number' || typeof high !== 'number') return undefined
  const isFew = distinct <= CODE_VALUES_MAX && distinct * CODE_ROWS_MIN <= measured.rows - measured.missing
  if (!isFew || high - low + 1 < CODE_GAPS_MIN * distinct) return undefined
  const about = measured.rows > EXACT_ROWS_MAX ? 'about ' : ''
  return `${about}${distinct} different values from ${low} to ${high}`
}

function isConstant({ rows, missing, distinct }: ColumnFacts): boolean {
  return rows > 1 && missing === 0 && distinct <= 1
}

/** Whether it is left out by itself, and for no reason that another warning tells. */
function hasTooManyTexts(facts: ColumnFacts, feature: DeclaredFeature | string): boolean {
  return facts.distinct > 1 && typeof feature === 'string' && feature === inferFeature(facts)
}

/** A column of the clicks that is known only once they have happened. */
export function leakWarning(
  file: string,
  column: string,
  leak: LabelLeak & { rows: number },
): InspectionWarning | undefined {
  const { auc, filledClicks, filledNoClicks, rows } = leak
  const warning = (text: string): InspectionWarning => ({
    kind: 'leak',
    file,
    column,
    message: `${file}: column ${column} ${text}; like a rating, it is probably known only after the click, so do not name it as a feature`,
  })
  if (rows >= LEAK_ROWS_MIN && Math.abs(filledClicks - filledNoClicks) >= LEAK_FILLED)
    return warning(
      `is filled in ${formatPercent(filledClicks)} of the clicks and ${formatPercent(filledNoClicks)} of the other rows`,
    )
  if (auc === null || auc <= LEAK_AUC) return undefined
  return warning(`alone tells clicks from other rows (AUC ${auc.toFixed(3)})`)
}

export function rowsText(rows: number): string {
  return rows === 1 ? '1 row' : `${formatCount(rows)} rows`
}
