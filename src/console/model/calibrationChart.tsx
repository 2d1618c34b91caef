import { formatPercent } from '../../format.ts'
import type { ModelReport } from '../api/modelReports.ts'
import { LineChart } from '../parts/chart/lineChart.tsx'
import type { Point } from '../parts/chart/scale.ts'
import { calibrationPoints } from './calibrationPoints.ts'

/** Whether predictions are click rates: tenths of the test rows, by rising prediction. */
export function CalibrationChart({ report }: { report: ModelReport }) {
  const points = calibrationPoints(report)
  if (points.length < 2) return null
  const highest = Math.max(...points.flatMap(([x, y]) => [x, y ?? 0]))
  return (
    <section class="card" aria-labelledby="model-calibration">
      <h2 id="model-calibration">Calibration</h2>
      <p class="note">
        Of the tenths of the test rows, by rising prediction: how many were clicked. Above the dashed line the
        model predicts too little, below it too much.
      </p>
      <LineChart
        title="Click rate by mean prediction"
        series={[
          { name: 'measured', points },
          {
            name: 'as predicted',
            points: [[0, 0], ...points.map(([x]): Point => [x, x]), [highest, highest]],
          },
        ]}
        from={0}
        to={highest}
        fromLabel="predicted 0 %"
        toLabel={formatPercent(highest)}
        format={formatPercent}
        formatX={(x) => `predicted ${formatPercent(x)}`}
        height={240}
      />
    </section>
  )
}
