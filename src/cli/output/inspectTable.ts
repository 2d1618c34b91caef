import {
  type ClickFiles,
  EXACT_ROWS_MAX,
  type InspectedColumn,
  type Inspection,
  type InspectionWarning,
  type TableFile,
} from '../../dataset/inspect/report.ts'
import { formatBytes, formatCount, formatPercent, formatSeconds } from '../../format.ts'
import { type Alignment, renderTable } from './table.ts'

const COLUMNS_MAX = 200 // of one file; --json has all
const NAME_CHARS_MAX = 24
const TYPE_CHARS_MAX = 12
const VALUE_CHARS_MAX = 18
const OUTCOME_CHARS_MAX = 60
const PAIR = 'pair.'
const EXACT_MAX = 100 // distinct values; more are an estimate

/** What a person sees: files, the columns of each, and what looks wrong. */
export function renderInspection(inspection: Inspection): string {
  const { files, columns, warnings } = inspection
  const clicks = files.train ?? files.test
  const parts = [
    renderFiles(inspection),
    ...(files.users ? [renderColumns(files.users, columns.users)] : []),
    ...(files.restaurants ? [renderColumns(files.restaurants, columns.restaurants)] : []),
    ...(clicks ? [renderColumns(clicks, columns.clicks)] : []),
    ...renderPairs(inspection),
    renderWarnings(warnings),
    `${Object.keys(inspection.features).length} features, in ${formatSeconds(inspection.seconds)} and ${formatBytes(inspection.peakRssBytes)}.`,
  ]
  return parts.join('\n\n')
}

function renderFiles({ files }: Inspection): string {
  const table = (what: string, file: TableFile | null) =>
    file ? [what, formatCount(file.files), formatCount(file.rows), formatBytes(file.bytes)] : [what, 'none']
  const clicks = (what: string, found: ClickFiles | null) =>
    found
      ? [
          what,
          formatCount(found.files),
          formatCount(found.rows),
          formatBytes(found.bytes),
          found.clicks === null ? '–' : formatCount(found.clicks),
          share(found.clickRate),
          share(found.withoutUser),
          share(found.withoutRestaurant),
          share(found.newUser),
          share(found.newRestaurant),
        ]
      : [what, 'none']
  return renderTable(
    [
      '',
      'files',
      'rows',
      'size',
      'clicks',
      'click rate',
      'unknown user',
      'unknown restaurant',
      'new user',
      'new restaurant',
    ],
    [
      table('users', files.users),
      table('restaurants', files.restaurants),
      clicks('train', files.train),
      clicks('test', files.test),
    ],
    ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  )
}

function renderColumns({ name, rows }: TableFile, columns: readonly InspectedColumn[]): string {
  const alignments: Alignment[] = ['left', 'left', 'right', 'right', 'left', 'left']
  const table = renderTable(
    ['column', 'type', 'missing', 'distinct', 'becomes', 'values'],
    columns
      .slice(0, COLUMNS_MAX)
      .map((column) => [
        cell(column.name, NAME_CHARS_MAX),
        cell(column.type, TYPE_CHARS_MAX),
        share(column.missingShare),
        distinctOf(column, rows),
        cell(outcomeOf(column), OUTCOME_CHARS_MAX),
        valuesOf(column),
      ]),
    alignments,
  )
  const more = columns.length - COLUMNS_MAX
  return `${cell(name, OUTCOME_CHARS_MAX)}\n${table}${more > 0 ? `\n… and ${formatCount(more)} more; --json has all` : ''}`
}

/** What is computed of user and restaurant together. */
function renderPairs({ features }: Inspection): string[] {
  const pairs = Object.entries(features).filter(([name]) => name.startsWith(PAIR))
  if (pairs.length === 0) return []
  const names = pairs.map(
    ([name, { kind }]) => `${cell(name.slice(PAIR.length), OUTCOME_CHARS_MAX)} (${kind})`,
  )
  return [`User and restaurant together: ${names.join(', ')}.`]
}

function renderWarnings(warnings: readonly InspectionWarning[]): string {
  if (warnings.length === 0) return 'Nothing looks wrong.'
  const head = warnings.length === 1 ? '1 thing looks wrong:' : `${warnings.length} things look wrong:`
  return [head, ...warnings.map(({ message }) => `  ! ${printable(message)}`)].join('\n')
}

/** `id`, `category`, `number, if named`, `– (why it is left out)` */
function outcomeOf({ role, feature, leftOut }: InspectedColumn): string {
  if (role === 'click') return 'click label'
  if (role === 'id') return feature ? `id, ${feature.kind}` : 'id'
  if (role === 'place') return 'place'
  if (leftOut !== null) return `– (${leftOut})`
  const kind = feature?.kind ?? '–'
  return role === 'context' ? `${kind}, if named` : kind
}

/** `cash 85 %, VISA 12 %`, `1.5 to 90`, `3 to 5 in a list` */
function valuesOf({ low, high, lengths, frequent }: InspectedColumn): string {
  if (frequent.length > 0)
    return frequent
      .map((one) => `${cell(one.value, VALUE_CHARS_MAX) || "''"} ${wholePercent(one.share)}`)
      .join(', ')
  if (lengths)
    return lengths.min === lengths.max
      ? `${formatCount(lengths.min)} in each list`
      : `${formatCount(lengths.min)} to ${formatCount(lengths.max)} in a list`
  if (low === null || high === null) return ''
  return low === high ? bound(low) : `${bound(low)} to ${bound(high)}`
}

function distinctOf({ distinct }: InspectedColumn, rows: number): string {
  if (distinct === null) return '–'
  if (rows <= EXACT_ROWS_MAX || distinct <= EXACT_MAX) return formatCount(distinct)
  return `~${formatCount(Number(distinct.toPrecision(2)))}`
}

function bound(value: number | string): string {
  if (typeof value === 'string') return value
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value)
  return String(Number(value.toPrecision(4)))
}

function share(value: number | null): string {
  return value === null ? '–' : formatPercent(value)
}

function wholePercent(value: number): string {
  return value < 0.005 ? '<1 %' : `${Math.round(100 * value)} %`
}

/** A text of the data on one line, at most `charsMax` code points long. */
function cell(text: string, charsMax: number): string {
  const characters = Array.from(printable(text))
  return characters.length > charsMax ? `${characters.slice(0, charsMax - 1).join('')}…` : characters.join('')
}

/** Whatever stands in the data, it moves no cursor and breaks no line. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
}
