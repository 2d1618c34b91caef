import { formatCount, formatSeconds } from '../../format.ts'
import type { TuneTrial } from '../../training/tune/tuneFolder.ts'
import { lossAt, ranked, type TuneReport } from '../../training/tune/tuneReport.ts'
import { type Alignment, renderTable } from './table.ts'

const SHOWN_MAX = 10
const HELD_OUT_FEW = 5000 // rows

const HEADS: Record<string, string> = {
  learningRate: 'rate',
  batchSize: 'batch',
  hidden: 'hidden',
  embeddingL2: 'L2',
  weightDecay: 'decay',
  embeddingDims: 'dims ×',
}

/** What a search found: the best trials with what varies, and how to train with the best. */
export function renderTune(report: TuneReport, data: string): string {
  const { trials, best, heldOut, trainings, seconds, config, skipped } = report
  const rows = ranked(trials).slice(0, SHOWN_MAX)
  const failed = trials.filter(({ rungs }) => rungs.some((rung) => 'failed' in rung)).length
  const earlier = skipped > 0 ? `, ${skipped} trainings of an earlier run not counted` : ''
  return [
    trialTable(report, rows),
    '',
    best === 0
      ? 'Nothing was better than the settings of the preset (trial 0).'
      : `Trial ${best} is the best. Differences are to the preset (trial 0), trained as long.`,
    ...(heldOut < HELD_OUT_FEW
      ? [`Only ${formatCount(heldOut)} rows are held out: chance may decide which trial is best.`]
      : []),
    ...(failed > 0 ? [`${failed} of ${trials.length} trials failed: ${firstReason(trials)}`] : []),
    `The search took as many epochs as ${trainings.toFixed(1)} trainings, in ${formatSeconds(seconds)}${earlier}.`,
    `To train with the best settings: nearrank train --config ${config} --data ${data} --out model`,
  ].join('\n')
}

function trialTable({ trials, measure, searched }: TuneReport, numbers: number[]): string {
  const figure = measure === 'ndcg10' ? 'NDCG@10' : 'log loss'
  const head = ['trial', 'epochs', figure, 'difference', ...searched.map((key) => HEADS[key] ?? key)]
  const rows = numbers.map((number) => [
    `${number}`,
    ...figures(trials[number], trials[0], measure),
    ...searched.map((key) => settingText(trials[number], key)),
  ])
  return renderTable(
    head,
    rows,
    head.map((_, column): Alignment => (head[column] === 'hidden' ? 'left' : 'right')),
  )
}

/** Epochs, figure and difference of the longest training that did not fail. */
function figures(trial: TuneTrial, preset: TuneTrial, measure: TuneReport['measure']): string[] {
  const last = trial.rungs.findLastIndex((rung) => 'loss' in rung)
  const loss = lossAt(trial, last)
  if (loss === undefined) return ['–', 'failed', '–']
  const sign = measure === 'ndcg10' ? -1 : 1
  const usual = lossAt(preset, last)
  return [
    `${Number(trial.rungs[last].epochs.toFixed(2))}`,
    (measure === 'ndcg10' ? 1 - loss : loss).toFixed(4),
    trial === preset || usual === undefined ? '–' : signed(sign * (loss - usual)),
  ]
}

function settingText({ settings }: TuneTrial, key: string): string {
  const value = settings[key]
  if (key !== 'hidden') return `${value as number}`
  const { hidden, activations } = settings as { hidden: number[]; activations: string[] }
  return hidden.map((units, i) => `${units}${activations[i] === 'none' ? ' none' : ''}`).join(', ')
}

function firstReason(trials: readonly TuneTrial[]): string {
  const [first] = trials.flatMap(({ rungs }) =>
    rungs.flatMap((rung) => ('failed' in rung ? [rung.failed] : [])),
  )
  return first
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(4)
  return `${value < 0 ? '−' : '+'}${text}`
}
