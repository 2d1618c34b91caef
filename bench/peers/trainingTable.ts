import { formatBytes, formatCount, formatSeconds } from '../../src/format.ts'
import { markdownTable, wrap } from './markdown.ts'
import { ratioText, spreadOf, spreadText } from './spread.ts'
import type { TrainingRounds, TrainingRun, TrainingSide } from './types.ts'

const EPOCH_ROWS = 50_000_000
const SAME_STEPS = ['nearrank', 'plain', 'streaming', 'tuned', 'folded'] as const
const ACCURACY_TOLERANCE = 0.005
const LABELS: Record<TrainingSide, string> = {
  nearrank: 'Nearrank',
  plain: 'Nearrank, WebAssembly',
  streaming: 'PyTorch, streaming',
  tuned: 'PyTorch, tuned',
  folded: 'PyTorch, folded',
  lightgbm: 'LightGBM',
}
const HEAD = [
  '',
  'rows/s',
  '50 M rows',
  'Nearrank faster',
  'WebAssembly',
  'with packing',
  'whole command',
  'peak memory',
  "times Nearrank's",
  'accuracy',
]

/** The sides' training: speed, memory, accuracy, and how often faster Nearrank is. */
export function trainingTable(rounds: TrainingRounds): string {
  const { rows, steps } = rounds[0].nearrank
  const boosts = rounds[0].lightgbm?.steps
  const ownPeaks = figuresOf(rounds, 'nearrank', ({ ownPeakBytes }) => ownPeakBytes ?? 0)
  const threads = SAME_STEPS.map((side) => `${LABELS[side]} ${rounds[0][side].threads}`).join(', ')
  return [
    wrap(
      `One epoch of ${formatCount(rows)} rows: ${formatCount(steps)} steps of Adam, learning rate 0.001. ` +
        `${boosts === undefined ? '' : `LightGBM: ${boosts} rounds of boosting over the same rows. `}${roundsText(rounds.length)} ` +
        'Rows/s are those of the epoch. For the peers this includes reading Parquet; Nearrank packs all training and test rows beforehand.',
    ),
    markdownTable(
      HEAD,
      (Object.keys(LABELS) as TrainingSide[])
        .filter((side) => rounds[0][side])
        .flatMap((side) => sideRows(rounds, side)),
    ),
    wrap(`Nearrank's own figure for its peak: ${spreadText(ownPeaks, formatBytes)}. Threads: ${threads}.`),
    verdict(rounds),
  ].join('\n\n')
}

/** Whether the sides that make the same steps reach the same accuracy; in bold where they do not. */
export function verdict(rounds: TrainingRounds): string {
  const runs = rounds.flatMap((round) => SAME_STEPS.map((side) => round[side]))
  const { lowest, highest } = spreadOf(runs.map(({ accuracy }) => accuracy))
  const distance = (highest - lowest).toFixed(4)
  if (runs.some(({ steps }) => steps !== runs[0].steps))
    return '**This comparison does not count: the sides did not make the same number of steps.**'
  if (highest - lowest > ACCURACY_TOLERANCE)
    return wrap(
      `**This comparison does not count: the accuracies of the same steps are ${distance} apart, more than ` +
        `${ACCURACY_TOLERANCE}.**`,
    )
  return wrap(
    `The accuracies of Nearrank and PyTorch are ${distance} apart at most (allowed: ${ACCURACY_TOLERANCE}).`,
  )
}

function sideRows(rounds: TrainingRounds, side: TrainingSide): string[][] {
  const of = (figure: (run: TrainingRun) => number) => figuresOf(rounds, side, figure)
  const nearrank = (figure: (run: TrainingRun) => number) => figuresOf(rounds, 'nearrank', figure)
  const plain = figuresOf(rounds, 'plain', epochRate)
  const isPeer = side !== 'nearrank' && side !== 'plain'
  const rates = of(epochRate)
  const row = [
    LABELS[side],
    spreadText(rates, formatCount),
    formatSeconds(EPOCH_ROWS / spreadOf(rates).median),
    isPeer ? ratioText(nearrank(epochRate), rates) : '',
    isPeer ? ratioText(plain, rates) : '',
    isPeer ? ratioText(nearrank(packedRate), rates) : '',
    spreadText(
      of(({ wholeSeconds }) => wholeSeconds),
      formatSeconds,
    ),
    spreadText(of(peak), formatBytes),
    isPeer ? ratioText(of(peak), nearrank(peak)) : '',
    spreadText(
      of(({ accuracy }) => accuracy),
      (accuracy) => accuracy.toFixed(4),
    ),
  ]
  if (isPeer) return [row]
  return [row, ['with packing', spreadText(of(packedRate), formatCount), '', '', '', '', '', '', '', '']]
}

function figuresOf(
  rounds: TrainingRounds,
  side: TrainingSide,
  figure: (run: TrainingRun) => number,
): number[] {
  return rounds.flatMap((round) => (round[side] ? [figure(round[side])] : []))
}

function epochRate({ rows, epochSeconds }: TrainingRun): number {
  return rows / epochSeconds
}

function packedRate({ rows, epochSeconds, packSeconds }: TrainingRun): number {
  return rows / (epochSeconds + packSeconds)
}

function peak({ peakBytes }: TrainingRun): number {
  return peakBytes
}

/** How to read the figures of so many rounds. */
export function roundsText(rounds: number): string {
  return rounds === 1
    ? 'One round.'
    : `${rounds} rounds, with the sides taking turns. Figures are medians, with the lowest and highest in brackets. Ratios are computed within a round.`
}
