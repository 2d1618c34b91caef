import { LineChart, type Series } from '../parts/chart/lineChart.tsx'
import { formatAgo, formatDuration, formatFigure } from './figures.ts'
import { lineOf, type Moment, WINDOW_MS } from './history.ts'

const MIB = 2 ** 20

interface LiveChart {
  title: string
  figures: Record<string, (moment: Moment) => number | null | undefined> // by names of lines
  format: (value: number) => string
  maxAtLeast: number
}

const LARGE: LiveChart[] = [
  {
    title: 'Ranked lists a second',
    figures: {
      answered: ({ interval }) => interval?.answeredPerS,
      refused: ({ interval }) => interval?.refusedPerS,
      'not valid': ({ interval }) => interval?.rejectedPerS,
      failed: ({ interval }) => interval?.failedPerS,
    },
    format: formatFigure,
    maxAtLeast: 4,
  },
  {
    title: 'Time to answer',
    figures: {
      P50: ({ interval }) => interval?.p50S,
      P95: ({ interval }) => interval?.p95S,
      P99: ({ interval }) => interval?.p99S,
    },
    format: formatDuration,
    maxAtLeast: 0.001,
  },
]

const SMALL: LiveChart[] = [
  {
    title: 'Requests that wait',
    figures: { '': ({ snapshot }) => snapshot.queue },
    format: formatFigure,
    maxAtLeast: 4,
  },
  {
    title: 'Event-loop delay, P99',
    figures: { '': ({ snapshot }) => snapshot.loopDelayS },
    format: formatDuration,
    maxAtLeast: 0.002,
  },
  {
    title: 'Candidates of a list',
    figures: { '': ({ interval }) => interval?.candidates },
    format: formatFigure,
    maxAtLeast: 4,
  },
  {
    title: 'Memory',
    figures: { '': ({ snapshot: { memoryBytes } }) => memoryBytes && memoryBytes / MIB },
    format: (mib) => `${formatFigure(mib)} MiB`,
    maxAtLeast: 64,
  },
  {
    title: 'Processor cores in use',
    figures: { '': ({ interval }) => interval?.processors },
    format: formatFigure,
    maxAtLeast: 1,
  },
  {
    title: 'Store lag',
    figures: { '': ({ snapshot }) => snapshot.storeLagS },
    format: formatDuration,
    maxAtLeast: 0.1,
  },
]

/** All figures of the last two minutes. */
export function LiveCharts({ history }: { history: readonly Moment[] }) {
  const now = history.at(-1)?.snapshot.atMs ?? 0
  const draw = (height: number) => (chart: LiveChart) => {
    const { figures, title, ...rest } = chart
    const series: Series[] = Object.entries(figures).map(([name, figure]) => ({
      name,
      points: lineOf(history, figure),
    }))
    return (
      <section class="card" key={title}>
        <LineChart
          {...rest}
          title={title}
          series={series}
          from={now - WINDOW_MS}
          to={now}
          fromLabel="2 min ago"
          toLabel="now"
          formatX={(x) => formatAgo(now - x)}
          height={height}
        />
      </section>
    )
  }
  return (
    <>
      <div class="cards cards-2">{LARGE.map(draw(190))}</div>
      <div class="cards cards-3">{SMALL.map(draw(120))}</div>
    </>
  )
}
