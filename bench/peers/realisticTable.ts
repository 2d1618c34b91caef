import { formatBytes, formatCount, formatSeconds } from '../../src/format.ts'
import { markdownTable, wrap } from './markdown.ts'
import { ratiosOf, ratioText, spreadOf, spreadText } from './spread.ts'
import { roundsText } from './trainingTable.ts'
import type { Realistic, RealisticCase, RealisticRounds, RealisticRun, RealisticSide } from './types.ts'

const AUC_BEHIND = 0.002
const TIMES_AS_FAST = 5
const DIGITS = 4
const LABELS: Record<RealisticSide, string> = {
  nearrank: 'Nearrank',
  torch: 'PyTorch, embeddings',
  lightgbm: 'LightGBM',
  catboost: 'CatBoost',
}
const PEERS = ['torch', 'lightgbm', 'catboost'] as const
const CASES: Record<RealisticCase, string> = {
  withoutIds: 'Without the ids of users and restaurants',
  withIds: 'With them as features',
}
const HEAD = [
  '',
  'AUC',
  'below the ceiling',
  'log loss',
  'rows/s',
  'Nearrank faster',
  'rounds, kept',
  'training',
  'whole command',
  'peak memory',
]

/** The sides' training on realistic rows, without ids and with them: accuracy, speed and memory. */
export function realisticTable(realistic: Realistic): string {
  const { rounds, rows, testRows } = realistic
  const [{ withoutIds }] = rounds
  const heldOut = (side: RealisticSide) => formatCount(rows - withoutIds[side].rows)
  return [
    wrap(
      `${formatCount(rows)} clicks, of which the peers hold out ${heldOut('torch')} and Nearrank ${heldOut('nearrank')} to choose the best round; ${formatCount(testRows)} test clicks. ` +
        `${roundsText(rounds.length)} Rows/s are those of the epochs.`,
    ),
    ...(Object.keys(CASES) as RealisticCase[]).flatMap((ids) => caseParts(realistic, ids)),
  ].join('\n\n')
}

function caseParts({ rounds, ceilings }: Realistic, ids: RealisticCase): string[] {
  const ceiling = ceilings[ids]
  const limit = `the ceiling that generate reports is AUC ${ceiling.auc.toFixed(DIGITS)}, log loss ${ceiling.logLoss.toFixed(DIGITS)}`
  return [
    wrap(`${CASES[ids]}; ${limit}:`),
    markdownTable(
      HEAD,
      (Object.keys(LABELS) as RealisticSide[]).map((side) => sideRow(rounds, ids, side, ceiling.auc)),
    ),
    realisticVerdict(rounds, ids),
  ]
}

/** Whether Nearrank is as good as the best peer, and as much faster than the network as wanted; in bold if not. */
export function realisticVerdict(rounds: RealisticRounds, ids: RealisticCase): string {
  const of = (side: RealisticSide, figure: (run: RealisticRun) => number) =>
    spreadOf(figuresOf(rounds, ids, side, figure)).median
  const own = of('nearrank', aucOf)
  const [best] = PEERS.toSorted((a, b) => of(b, aucOf) - of(a, aucOf))
  const ahead = own - of(best, aucOf)
  const rates = ratiosOf(figuresOf(rounds, ids, 'nearrank', rateOf), figuresOf(rounds, ids, 'torch', rateOf))
  const times = spreadOf(rates).median
  const auc = `Nearrank's AUC is ${Math.abs(ahead).toFixed(DIGITS)} ${ahead < 0 ? 'below' : 'above'} that of the best peer, ${LABELS[best]}`
  const speed = `Nearrank is ${times.toPrecision(2)} times as fast as the network in PyTorch`
  return wrap(
    `${marked(`${auc} (wanted: at most ${AUC_BEHIND} below).`, ahead >= -AUC_BEHIND)} ` +
      marked(`${speed} (wanted: ${TIMES_AS_FAST} times).`, times >= TIMES_AS_FAST),
  )
}

function marked(text: string, isReached: boolean): string {
  return isReached ? text : `**${text}**`
}

function sideRow(
  rounds: RealisticRounds,
  ids: RealisticCase,
  side: RealisticSide,
  ceilingAuc: number,
): string[] {
  const of = (figure: (run: RealisticRun) => number) => figuresOf(rounds, ids, side, figure)
  const [run] = rounds.map((round) => round[ids][side])
  const isNetwork = side === 'nearrank' || side === 'torch'
  return [
    LABELS[side],
    spreadText(of(aucOf), (auc) => auc.toFixed(DIGITS)),
    spreadText(
      of(({ auc }) => ceilingAuc - auc),
      (auc) => auc.toFixed(DIGITS),
    ),
    spreadText(
      of(({ logLoss }) => logLoss),
      (logLoss) => logLoss.toFixed(DIGITS),
    ),
    isNetwork ? spreadText(of(rateOf), formatCount) : '',
    side === 'torch' ? ratioText(figuresOf(rounds, ids, 'nearrank', rateOf), of(rateOf)) : '',
    `${run.rounds} ${isNetwork ? 'epochs' : 'trees'}, ${run.kept}`,
    spreadText(
      of(({ trainSeconds }) => trainSeconds),
      formatSeconds,
    ),
    spreadText(
      of(({ wholeSeconds }) => wholeSeconds),
      formatSeconds,
    ),
    spreadText(
      of(({ peakBytes }) => peakBytes),
      formatBytes,
    ),
  ]
}

function figuresOf(
  rounds: RealisticRounds,
  ids: RealisticCase,
  side: RealisticSide,
  figure: (run: RealisticRun) => number,
): number[] {
  return rounds.map((round) => figure(round[ids][side]))
}

function aucOf({ auc }: RealisticRun): number {
  return auc
}

/** Rows learned from in a second of an epoch. */
function rateOf({ rows, rounds, trainSeconds }: RealisticRun): number {
  return (rows * rounds) / trainSeconds
}
