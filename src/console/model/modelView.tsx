import { useState } from 'preact/hooks'
import type { ServedModel } from '../../client/types.ts'
import { getModelReports, type ModelReport, textIn } from '../api/modelReports.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import type { ViewProps } from '../viewProps.ts'
import { CalibrationChart } from './calibrationChart.tsx'
import { LearningCurves } from './learningCurves.tsx'
import { MetricsTable } from './metricsTable.tsx'
import { ModelChange } from './modelChange.tsx'
import { InputList, ModelFacts, RunDetails } from './modelFacts.tsx'
import { MoversCard } from './moversCard.tsx'

/** Which model is served, how good it is, and what may take its place. */
export function ModelView({ api }: ViewProps) {
  const served = useCall((signal) => api.client.model({ signal }), [api])
  const reports = useCall((signal) => getModelReports(api, signal), [api])
  const [change, setChange] = useState('')
  const askAgain = (): void => {
    served.again()
    reports.again()
  }
  const onChanged = ({ version }: ServedModel): void => {
    setChange(`Version ${version} is served now.`)
    askAgain()
  }
  const { current, previous, folder } = reports.value ?? {}
  const others = [
    ...(folder && folder.checksum !== current?.checksum ? [{ name: 'In the folder', report: folder }] : []),
    ...(previous ? [{ name: 'Before', report: previous }] : []),
  ]
  const error = served.error ?? reports.error
  return (
    <div class="page">
      <h1>Model</h1>
      <p class="change-note good" role="status">
        {change}
      </p>
      {error !== undefined && <ErrorNote error={error} onRetry={askAgain} />}
      {served.value && (
        <section class="card" aria-labelledby="model-served">
          <h2 id="model-served">Version {served.value.version}</h2>
          <ModelFacts served={served.value} report={current} />
        </section>
      )}
      {reports.value && (
        <ModelChange api={api} reports={reports.value} onChanged={onChanged} onFailed={askAgain} />
      )}
      {current && (
        <>
          <section class="card" aria-labelledby="model-metrics">
            <h2 id="model-metrics">On the test set</h2>
            <MetricsTable current={current} others={others} />
          </section>
          <section class="card" aria-labelledby="model-curves">
            <h2 id="model-curves">Learning curves</h2>
            <LearningCurves report={current} />
          </section>
          <CalibrationChart report={current} />
          <MoversCard key={current.checksum} api={api} />
          <Constraints report={current} />
          <section class="card" aria-labelledby="model-inputs">
            <h2 id="model-inputs">What it takes</h2>
            <InputList report={current} />
          </section>
          <RunDetails report={current} />
        </>
      )}
    </div>
  )
}

const SIGNS = { met: '✓ met', broken: '✗ not met', open: '– not judged' }

/** The limits of the training, and what was measured. */
function Constraints({ report: { constraints } }: { report: ModelReport }) {
  if (constraints.length === 0) return null
  return (
    <section class="card" aria-labelledby="model-constraints">
      <h2 id="model-constraints">Constraints of the training</h2>
      <div class="table-frame" tabIndex={0} role="group" aria-labelledby="model-constraints">
        <table class="constraints">
          <thead>
            <tr>
              <th scope="col">Constraint</th>
              <th scope="col">Limit</th>
              <th scope="col">Measured</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {constraints.map((constraint) => {
              const result = constraint.met === true ? 'met' : constraint.met === false ? 'broken' : 'open'
              return (
                <tr key={textIn(constraint, 'name')}>
                  <th scope="row">{textIn(constraint, 'name')}</th>
                  <td>{textIn(constraint, 'limit')}</td>
                  <td>{textIn(constraint, 'measured')}</td>
                  <td class={`result ${result === 'met' ? 'good' : result === 'broken' ? 'bad' : ''}`}>
                    {SIGNS[result]}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </section>
  )
}
