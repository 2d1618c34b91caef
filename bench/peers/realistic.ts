import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatBytes, formatSeconds } from '../../src/format.ts'
import { type Running, start, startNearrank } from './processes.ts'
import { watchMemory } from './processTree.ts'
import type { Plan, Realistic, RealisticCase, RealisticRun, RealisticSide } from './types.ts'

const CONTEXT = 'time,device,companion,position'
const SIDES = ['nearrank', 'torch', 'lightgbm', 'catboost'] as const
const IDS: Record<RealisticCase, string[]> = { withoutIds: [], withIds: ['--ids'] }

type Figures = Omit<RealisticRun, 'wholeSeconds' | 'peakBytes'>

/** All sides in turn, without ids and with them, `rounds` times. */
export async function benchRealistic(plan: Plan): Promise<Realistic> {
  const { realisticData, rounds, say } = plan
  const result: Realistic = { ...ceilingsOf(realisticData), rounds: [] }
  for (let round = 1; round <= rounds; round++) {
    const runs = { withoutIds: {}, withIds: {} } as Realistic['rounds'][number]
    for (const ids of Object.keys(IDS) as RealisticCase[])
      for (const side of SIDES) {
        say(`realistic, ${ids}, round ${round} of ${rounds}: ${side}`)
        runs[ids][side] = await trainOnce(side, ids, plan)
        say(`  ${summaryOf(runs[ids][side])}`)
      }
    result.rounds.push(runs)
  }
  return result
}

/** What `generate` says of its own data. @throws Error where the data is not of the realistic kind. */
function ceilingsOf(data: string): Omit<Realistic, 'rounds'> {
  const path = join(data, 'dataset.json')
  const { rows, testRows, ceilings } = JSON.parse(readFileSync(path, 'utf8')) as {
    rows: number
    testRows: number
    ceilings?: { all: Ceiling; without: { ids: Ceiling } }
  }
  if (!ceilings)
    throw new Error(
      `Cannot compare: ${path} must be of nearrank generate --kind realistic, found no ceilings`,
    )
  return { rows, testRows, ceilings: { withoutIds: ceilings.without.ids, withIds: ceilings.all } }
}

interface Ceiling {
  auc: number
  logLoss: number
}

async function trainOnce(side: RealisticSide, ids: RealisticCase, plan: Plan): Promise<RealisticRun> {
  const folder = mkdtempSync(join(plan.scratch, 'realistic-'))
  const started = performance.now()
  const running = side === 'nearrank' ? startOwn(ids, plan, folder) : startPeer(side, ids, plan)
  const memory = watchMemory(running.pid)
  try {
    const stdout = await running.output()
    const wholeSeconds = (performance.now() - started) / 1000
    const figures = side === 'nearrank' ? figuresOfNearrank(stdout, folder) : (JSON.parse(stdout) as Figures)
    return { ...figures, wholeSeconds, peakBytes: memory.stop() }
  } finally {
    memory.stop()
    rmSync(folder, { recursive: true })
  }
}

function startOwn(ids: RealisticCase, { realisticData }: Plan, folder: string): Running {
  // A cache of its own, so that packing counts each time.
  const places = ['--data', realisticData, '--out', join(folder, 'model'), '--cache', join(folder, 'cache')]
  const features = ['--context-features', CONTEXT, ...(ids === 'withIds' ? ['--ids', 'both'] : [])]
  return startNearrank('train', '--json', ...places, ...features)
}

function startPeer(side: RealisticSide, ids: RealisticCase, { python, realisticData }: Plan): Running {
  const path = fileURLToPath(new URL(`realistic_${side}.py`, import.meta.url))
  return start(python, [path, '--data', realisticData, ...IDS[ids]])
}

function figuresOfNearrank(stdout: string, folder: string): Figures {
  const { rows, epochs } = JSON.parse(stdout) as { rows: number; epochs: { seconds: number }[] }
  const { metrics, training } = JSON.parse(readFileSync(join(folder, 'model', 'model.json'), 'utf8')) as {
    metrics: { auc: number; logLoss: number }
    training: { keptEpoch: number }
  }
  return {
    rows,
    rounds: epochs.length,
    kept: training.keptEpoch,
    trainSeconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0),
    auc: metrics.auc,
    logLoss: metrics.logLoss,
  }
}

function summaryOf(run: RealisticRun): string {
  const { rounds, kept, trainSeconds, wholeSeconds, peakBytes, auc, logLoss } = run
  return [
    `round ${kept} of ${rounds} kept`,
    `${formatSeconds(trainSeconds)} of ${formatSeconds(wholeSeconds)}`,
    formatBytes(peakBytes),
    `AUC ${auc.toFixed(4)}`,
    `log loss ${logLoss.toFixed(4)}`,
  ].join(', ')
}
