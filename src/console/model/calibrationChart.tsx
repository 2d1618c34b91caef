import { formatPercent } from '../../format.ts'
import type { ModelReport } from '../api/modelReports.ts'
import { LineChart } from '../parts/chart/lineChart.tsx'
import type { Point } from '../parts/chart/scale.ts'
import { calibrationPoints } from './calibrationPoints.ts'

/** Whether predictions are click rates: tenths of the test rows, by rising prediction. */
export function CalibrationChart({ report }: { report: ModelReport }) {
  const tenths = calibrationPoints(report)
  if (tenths.length < 2) return null
  const points = tenths.map(({ prediction, clickRate }): Point => [prediction, clickRate])
  const highest = Math.max(...tenths.flatMap(({ prediction, clickRate }) => [prediction, clickRate]))
  return (
    <section class="card" aria-labelledby="model-calibration">
      <h2 id="model-calibration">Calibration</h2>
      <p class="note">
        Of the tenths of the test rows, by rising prediction: how many were clicked, with 95 % intervals.
        Above the dashed line the model predicts too little, below it too much.
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
        spans={tenths.map(({ prediction, low, high }) => ({ x: prediction, low, high }))}
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
