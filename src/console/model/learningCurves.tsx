import { type ModelReport, numberIn, type Written } from '../api/modelReports.ts'
import { LineChart, type Series } from '../parts/chart/lineChart.tsx'
import type { Point } from '../parts/chart/scale.ts'

interface Curve {
  title: string
  lines: Record<string, string> // keys of an epoch in model.json, by names of lines
  ofOrder: boolean // it means something of scores that only order, too
}

const CURVES: Curve[] = [
  { title: 'Loss', lines: { training: 'loss', validation: 'validationLoss' }, ofOrder: true },
  { title: 'AUC on validation rows', lines: { '': 'validationAuc' }, ofOrder: true },
  { title: 'NDCG@10 on validation rows', lines: { '': 'validationNdcg10' }, ofOrder: true },
  { title: 'Accuracy', lines: { '': 'accuracy' }, ofOrder: false },
]

/** How the model became better, epoch by epoch. */
export function LearningCurves({ report }: { report: ModelReport }) {
  const { epochs, ordersOnly, training } = report
  const numbers = epochs.map((epoch, i) => numberIn(epoch, 'epoch') ?? i + 1)
  const kept = numberIn(training, 'keptEpoch')
  if (epochs.length === 0) return <p>Its file tells nothing of epochs.</p>
  const curves = CURVES.filter(({ ofOrder }) => ofOrder || !ordersOnly)
    .map(({ title, lines }) => ({ title, series: seriesOf(lines, epochs, numbers) }))
    .filter(({ series }) => series.length > 0)
  return (
    <>
      <p class="note">
        {epochs.length === 1 ? 'One epoch' : `${epochs.length} epochs`}
        {kept !== null && `; the weights of epoch ${kept} are served`}. The scales do not begin at 0.
      </p>
      {epochs.length > 1 && (
        <div class="cards curves">
          {curves.map(({ title, series }) => (
            <LineChart
              key={title}
              title={title}
              series={series}
              from={numbers[0]}
              to={numbers[numbers.length - 1]}
              fromLabel={`epoch ${numbers[0]}`}
              toLabel={`${numbers[numbers.length - 1]}`}
              format={(value) => String(Number(value.toPrecision(4)))}
              formatX={(x) => `epoch ${x}`}
              min={Number.NaN}
              height={150}
            />
          ))}
        </div>
      )}
    </>
  )
}

function seriesOf(lines: Record<string, string>, epochs: readonly Written[], numbers: number[]): Series[] {
  return Object.entries(lines)
    .map(([name, key]) => ({
      name,
      points: epochs.map((epoch, i): Point => [numbers[i], numberIn(epoch, key)]),
    }))
    .filter(({ points }) => points.some(([, y]) => y !== null))
}
