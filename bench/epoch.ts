import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTables } from '../src/dataset/tables/openTables.ts'
import type { Tables } from '../src/dataset/tables/readTables.ts'
import { generate } from '../src/dataset/generator/generate.ts'
import { openRows } from '../src/dataset/clicks/openRows.ts'
import { bestSimd } from '../src/kernels/kernels.ts'
import type { PackedRows } from '../src/dataset/clicks/readRows.ts'
import { initialState } from '../src/model/initialize.ts'
import { CrewLead } from '../src/training/crew/crewLead.ts'
import { loadFeatures } from '../src/training/memory/featureMemory.ts'
import { PRESETS } from '../src/training/settings/presets.ts'
import { RowStream } from '../src/training/rows/rowStream.ts'
import { trainRows } from '../src/training/rows/trainRows.ts'
import type { BenchBuild } from './builds.ts'
import { timingOf, type Timing } from './measure.ts'
import { threadedPeakGflops } from './threadedPeak.ts'
import { REFERENCE_NETWORK, RESTAURANTS, STEP_FLOPS, USERS } from './step.ts'

const FILE_ROWS = 625_000
const ROUNDS = 5

export interface EpochLine {
  what: string
  rows: number
  timing: Timing
  shareOfPeak: number | null // of what as many threads reach with multiply-adds alone
}

/** Packing, and whole epochs in each build, on generated data of the reference's shape: `files` files of 625,000 rows. */
export async function benchEpoch(
  files: number,
  builds: BenchBuild[],
  threadCounts: number[],
): Promise<EpochLine[]> {
  const data = await mkdtemp(join(tmpdir(), 'nearrank-bench-'))
  try {
    const rows = files * FILE_ROWS
    await generate({
      out: join(data, 'data'),
      rows,
      testRows: 1000,
      files,
      testFiles: 1,
      requests: 1,
      users: USERS,
      restaurants: RESTAURANTS,
      seed: 1,
    })
    const options = { data: join(data, 'data') }
    const tables = await openTables(options)
    const packing: number[] = []
    let pack: PackedRows | undefined
    for (let round = 0; round < ROUNDS; round++) {
      await pack?.close()
      await removePack(join(options.data, '.nearrank'))
      const started = performance.now()
      pack = await openRows(options, tables, 'train')
      packing.push((performance.now() - started) / 1000)
    }
    const epochs = await benchCrews(pack!, tables, builds, threadCounts)
    await pack!.close()
    return [
      { what: 'packing: Parquet to packed rows', rows, timing: timingOf(packing), shareOfPeak: null },
      ...epochs,
    ]
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

async function benchCrews(
  pack: PackedRows,
  tables: Tables,
  builds: BenchBuild[],
  threadCounts: number[],
): Promise<EpochLine[]> {
  // Rounds alternate between builds and numbers of threads, so that a slow minute of the machine meets all.
  const sides = threadCounts.flatMap((threads) =>
    builds.map((build) => ({
      threads,
      build,
      lead: crewOf(build, threads),
      seconds: [] as number[],
      shares: [] as number[],
    })),
  )
  for (const { lead } of sides) await loadFeatures(lead, tables, null)
  for (let round = 0; round <= ROUNDS; round++)
    for (const { threads, build, lead, seconds, shares } of sides) {
      // The peak before and after: the clock of a shared machine wanders.
      const before = await threadedPeakGflops(build, threads)
      const time = await epoch(lead, pack)
      const peak = (before + (await threadedPeakGflops(build, threads))) / 2
      if (round === 0) continue // warms up
      seconds.push(time)
      shares.push(((pack.rows / 1024) * STEP_FLOPS) / time / 1e9 / peak)
    }
  for (const { lead } of sides) await lead.close()
  return sides.map(({ threads, build, seconds, shares }) => ({
    what: `epoch, ${threads} thread${threads > 1 ? 's' : ''}, ${build.name}`,
    rows: pack.rows,
    timing: timingOf(seconds),
    shareOfPeak: timingOf(shares).seconds,
  }))
}

function crewOf(compiled: BenchBuild, threads: number): CrewLead {
  const shape = {
    network: REFERENCE_NETWORK,
    users: USERS,
    restaurants: RESTAURANTS,
    batchSize: 1024,
    threads,
    purpose: 'train' as const,
  }
  return new CrewLead({ shape, simd: bestSimd(), compiled, settings: PRESETS.reference, steps: 1_000_000 })
}

async function epoch(lead: CrewLead, pack: PackedRows): Promise<number> {
  lead.setWeights(initialState(REFERENCE_NETWORK, 1))
  lead.restore({ step: 0, rowsDone: 0, lossSum: 0, correct: 0, digest: 0 })
  await lead.run({ type: 'fold' })
  const stream = new RowStream(pack, { shuffle: false, seed: 1, epoch: 1, validation: 0, select: 'all' })
  const started = performance.now()
  await trainRows(lead, stream)
  return (performance.now() - started) / 1000
}

async function removePack(home: string): Promise<void> {
  for (const name of await readdir(home).catch(() => []))
    if (name.startsWith('rows-train-')) await rm(join(home, name), { recursive: true })
}
