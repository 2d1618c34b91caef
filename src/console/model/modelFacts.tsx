import type { ServedModel } from '../../client/types.ts'
import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import { type ModelReport, numberIn, SOURCES, textIn, type Written } from '../api/modelReports.ts'
import { formatMoment } from '../parts/formatMoment.ts'

const SOURCE_NAMES = { users: 'Users', restaurants: 'Restaurants', context: 'Requests', pairs: 'Pairs' }

/** What is served, since when, and what it was made of. */
export function ModelFacts({ served, report }: { served: ServedModel; report: ModelReport | undefined }) {
  return (
    <dl class="facts">
      <Fact name="Served since" text={formatMoment(served.loadedAt)} />
      <Fact name="Trained" text={served.createdAt === '' ? 'unknown' : formatMoment(served.createdAt)} />
      {report && <Fact name="Trained on" text={trainedOn(report)} />}
      {report && <Fact name="Network" text={networkText(report)} />}
      {report && <Fact name="Made by" text={madeBy(report)} />}
      <Fact name="Folder" text={served.path} />
      <dt>Weights</dt>
      <dd>
        <code>{served.checksum}</code>
      </dd>
    </dl>
  )
}

/** The names of what the model takes, with their kinds. */
export function InputList({ report }: { report: ModelReport }) {
  return (
    <dl class="facts">
      {SOURCES.filter((source) => report.features[source].length > 0).map((source) => (
        <>
          <dt>{SOURCE_NAMES[source]}</dt>
          <dd>
            <ul class="chips">
              {report.features[source].map(({ name, kind }) => (
                <li key={name}>
                  {name} <span class="note">{kind}</span>
                </li>
              ))}
            </ul>
          </dd>
        </>
      ))}
    </dl>
  )
}

/** All that training was told, and how it went. */
export function RunDetails({ report }: { report: ModelReport }) {
  const parts: [string, Written][] = [
    ['Settings', { preset: report.preset, ...report.settings }],
    ['The run', without(report.training, 'calibration')],
  ]
  return (
    <details class="card">
      <summary>Settings and run</summary>
      {parts.map(([title, part]) => (
        <section key={title}>
          <h2>{title}</h2>
          <dl class="facts">
            {Object.entries(part).map(([name, value]) => (
              <Fact key={name} name={name} text={written(value)} />
            ))}
          </dl>
        </section>
      ))}
    </details>
  )
}

/** The others: it has a picture of its own. */
function without(part: Written, name: string): Written {
  return Object.fromEntries(Object.entries(part).filter(([key]) => key !== name))
}

function Fact({ name, text }: { name: string; text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  )
}

function trainedOn({ training, epochs }: ModelReport): string {
  const rows = numberIn(training, 'rows')
  const seconds = numberIn(training, 'trainSeconds')
  return [
    ...(rows === null ? [] : [`${formatCount(rows)} rows`]),
    `${epochs.length} epoch${epochs.length === 1 ? '' : 's'}`,
    ...(seconds === null ? [] : [formatSeconds(seconds)]),
  ].join(', ')
}

function networkText({ features, hidden, training }: ModelReport): string {
  const inputs = SOURCES.reduce((sum, source) => sum + features[source].length, 0)
  const parameters = numberIn(training, 'parameters')
  const layers = [`${formatCount(inputs)} features`, ...hidden.map(String), '1'].join(' → ')
  return parameters === null ? layers : `${layers}, ${formatCount(parameters)} parameters`
}

function madeBy({ createdBy, training }: ModelReport): string {
  const memory = numberIn(training, 'peakRssBytes')
  const parts = [createdBy, textIn(training, 'machine'), textIn(training, 'runtime')]
  return [...parts, memory === null ? '' : `${formatBytes(memory)} of memory`]
    .filter((part) => part !== '')
    .join('; ')
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.map(written).join(', ')
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
