import { type ModelReport, numberIn } from '../api/modelReports.ts'
import { changeOf, formatMeasure, MEASURES, measuresOf } from './measures.ts'

export interface Compared {
  name: string // of the column
  report: ModelReport
}

/** The measures of the test set, beside those of models that may take the place. */
export function MetricsTable({ current, others }: { current: ModelReport; others: readonly Compared[] }) {
  const { metrics, ordersOnly } = current
  if (!metrics) return <p>This model was trained without a test set, so nothing is known of its quality.</p>
  const keys = measuresOf([metrics, ...others.map(({ report }) => report.metrics)], ordersOnly)
  return (
    <>
      {ordersOnly && <p class="note">The scores of this model only order. They are no probabilities.</p>}
      <div class="table-frame" tabIndex={0} role="group" aria-label="Measures of the test set">
        <table>
          <thead>
            <tr>
              <th scope="col">Measure</th>
              <th scope="col" class="number">
                Served
              </th>
              {others.map(({ name }) => (
                <th scope="col" class="number" key={name}>
                  {name}
                </th>
              ))}
              <th scope="col" class="meaning">
                What it says
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <MeasureRow key={key} of={key} current={current} others={others} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function MeasureRow(props: { of: string; current: ModelReport; others: readonly Compared[] }) {
  const { of, current, others } = props
  const own = numberIn(current.metrics, of)
  const { name, meaning, better } = MEASURES.get(of) ?? { name: of, meaning: '', better: null }
  const hint = better === null ? '' : `; ${better} is better`
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{own === null ? '–' : formatMeasure(of, own)}</td>
      {others.map((other) => (
        <OtherCell key={other.name} of={of} own={own} report={other.report} />
      ))}
      <td class="meaning">
        {meaning}
        {hint}
      </td>
    </tr>
  )
}

function OtherCell({ of, own, report }: { of: string; own: number | null; report: ModelReport }) {
  const value = numberIn(report.metrics, of)
  if (value === null) return <td class="number">–</td>
  const change = own === null ? undefined : changeOf(of, own, value)
  return (
    <td class="number">
      {formatMeasure(of, value)}
      {change && <span class={`change ${change.mood}`}>{change.text}</span>}
    </td>
  )
}
