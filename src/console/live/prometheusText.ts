/** One value of a metric. */
export interface Sample {
  labels: ReadonlyMap<string, string>
  value: number // may be NaN or infinite
}

const LINE_CHARS_MAX = 4096
const SAMPLES_MAX = 10_000 // some hundred come from the server
const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/ // the last: a time
const LABEL = /[ \t]*([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)/y
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?$/
const WORDS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Inf', Infinity],
  ['+Inf', Infinity],
  ['-Inf', -Infinity],
])

/**
 * The samples of a text in Prometheus's format, by the names of their metrics. Lines that are none, longer
 * than 4,096 characters, or beyond 10,000 samples are left out: a figure less is better than none.
 */
export function parsePrometheusText(text: string): Map<string, Sample[]> {
  const found = new Map<string, Sample[]>()
  let count = 0
  for (const line of text.split('\n')) {
    if (line.length > LINE_CHARS_MAX || line.startsWith('#')) continue
    const [, name, labelsText = '', valueText = ''] = LINE.exec(line) ?? []
    const value = name === undefined ? undefined : valueOf(valueText)
    const labels = labelsOf(labelsText)
    if (name === undefined || value === undefined || !labels) continue
    if (count++ === SAMPLES_MAX) break
    const samples = found.get(name)
    if (samples) samples.push({ labels, value })
    else found.set(name, [{ labels, value }])
  }
  return found
}

function valueOf(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : WORDS.get(text)
}

/** undefined: they are none. */
function labelsOf(text: string): Map<string, string> | undefined {
  const labels = new Map<string, string>()
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at
    const [, name, value] = LABEL.exec(text) ?? []
    if (name === undefined) return undefined
    labels.set(
      name,
      value.replaceAll(/\\(.)/g, (_all, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    )
  }
  return labels
}
