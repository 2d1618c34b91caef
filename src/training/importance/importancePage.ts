import { formatFigure } from '../../format.ts'
import { dataTable, tablePanel } from '../../report/dataTable.ts'
import { type Dot, dotChart } from '../../report/dotChart.ts'
import { type Markup, markup } from '../../report/markup.ts'
import { cards, figure, paragraph, verdictText } from '../../report/page.ts'
import type { Verdict } from '../../report/verdict.ts'
import { importanceBasis, importanceCells, shownImportance } from './importanceText.ts'
import type { Importance, MeasuredImportance } from './measure.ts'

const SHOWN_MAX = 15 // features of the picture; the table has them all
const ERRORS = 1.96 // of a normal distribution: 95 %

/** Pictures and tables of the importance of groups and features, as HTML. */
export function importanceContent(found: MeasuredImportance): Markup {
  const { groups, features } = found
  const more = features.length > SHOWN_MAX ? `, the first ${SHOWN_MAX} of ${features.length}` : ''
  return markup`${verdictText(importanceVerdict(features))}${paragraph(importanceBasis(found))}${cards(
    importanceFigure('feature', `By feature${more}`, features.slice(0, SHOWN_MAX)),
    importanceFigure('group', 'By group', groups, dataTable(importanceCells('group', groups))),
  )}${tablePanel({ ...importanceCells('feature', features), caption: 'Importance by feature' })}`
}

function importanceFigure(
  what: 'feature' | 'group',
  heading: string,
  shown: readonly Importance[],
  table?: Markup,
): Markup {
  const dots = shown.map(({ name, logLossIncrease: value, logLossError: error }): Dot => {
    const half = ERRORS * (error ?? 0)
    return { name, value, ...(error !== null && { low: value - half, high: value + half }), style: 1 }
  })
  return figure({
    heading,
    picture: dotChart({
      id: `importance-${what}`,
      title: `By how much the log loss rises without each ${what}`,
      description: dots.map(({ name, value }) => `${name}: ${shownImportance(value)}.`).join(' '),
      axis: { label: 'log loss rises by', format: formatFigure },
      format: shownImportance,
      dots,
      isBar: true,
    }),
    reading:
      'The values come from another click, drawn at random. Thin lines are 95 % intervals. Features that say the same share their importance.',
    ...(table && { table }),
  })
}

/** Which feature counts most, and how many make no difference. */
function importanceVerdict(features: readonly Importance[]): Verdict {
  const idle = features.filter(
    ({ logLossIncrease, logLossError }) => logLossIncrease <= ERRORS * (logLossError ?? 0),
  )
  const most = features.at(0)
  if (!most) return { grade: 'plain', word: 'no features', text: '' }
  const text = `${most.name} counts most.`
  return idle.length === 0
    ? { grade: 'good', word: 'all features count', text }
    : {
        grade: idle.length < features.length / 2 ? 'fair' : 'poor',
        word: `${idle.length} of ${features.length} make no difference`,
        text: `${text} What makes no difference may be left out.`,
      }
}
