import { formatCount, formatSeconds } from '../../../format.ts'
import type { OrderJudgement } from '../../../metrics/orderSums.ts'
import { tablePanel } from '../../../report/dataTable.ts'
import { markup } from '../../../report/markup.ts'
import { paragraph, renderPage, type Section, tiles } from '../../../report/page.ts'
import type { EvaluationReport } from '../../evaluate.ts'
import { ORDER_ONLY } from '../judgementTables.ts'
import { metricCells } from '../reportTables.ts'
import { orderFigures, simpleRules } from './orderFigures.ts'
import { qualityTiles } from './qualityTiles.ts'
import { scoreFigures } from './scoreFigures.ts'
import { sliceFigures } from './slicesSection.ts'

/** What a page tells beside an evaluation. */
interface EvaluationContext {
  version: string // of Nearrank
  madeAt: string // ISO 8601
  data: string // names of folders, without the way to them
  model: string
}

/** The page of `evaluate --report`. Pure. */
export function renderEvaluationPage(report: EvaluationReport, context: EvaluationContext): string {
  const { slices, byGroup, byUser, calibration } = report
  const ordersOnly = report.scores === 'order'
  const cells = metricCells(report, report, ordersOnly)
  return renderPage({
    title: 'Evaluation report',
    summary: markup`<p class="lead">The model <strong>${context.model}</strong> on ${formatCount(report.rows)} test clicks of <strong>${context.data}</strong>.</p>
<p class="quiet">Made by Nearrank ${context.version} at ${context.madeAt}, in ${formatSeconds(report.seconds)}.</p>`,
    sections: [
      {
        id: 'glance',
        heading: 'At a glance',
        content: tiles(
          qualityTiles(report, {
            judgement: byGroup ?? byUser,
            bins: calibration,
            ceiling: report,
            ordersOnly,
          }),
        ),
      },
      {
        id: 'test',
        heading: 'Scores',
        content: markup`${ordersOnly ? paragraph(ORDER_ONLY) : ''}${scoreFigures(report, report, ordersOnly)}${tablePanel({ ...cells, caption: 'Metrics of the test set' })}`,
      },
      ...(ordersOnly
        ? []
        : [{ id: 'baselines', heading: 'Beside simple rules', content: simpleRules(report, report) }]),
      ...orderSection(byGroup, 'group'),
      ...orderSection(byUser, 'user'),
      ...(slices.length > 0
        ? [{ id: 'slices', heading: 'Slices', content: sliceFigures(slices, ordersOnly) }]
        : []),
    ],
    footer: `Nearrank ${context.version}. This page needs no network: it holds everything that it shows.`,
  })
}

function orderSection(judgement: OrderJudgement | null, what: 'group' | 'user'): Section[] {
  if (!judgement) return []
  return [{ id: `by-${what}`, heading: `Order by ${what}`, content: orderFigures(judgement, what) }]
}
