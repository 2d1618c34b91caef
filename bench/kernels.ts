import { bindCompiled, prepareMemory } from '../src/kernels/compiledKernels.ts'
import { createMemory, type Kernels } from '../src/kernels/kernels.ts'
import { Random } from '../src/random.ts'
import type { BenchBuild } from './builds.ts'
import { timeCalls, type Timing } from './measure.ts'

export interface KernelLine {
  build: string
  kernel: string
  timing: Timing
  gflops: number | null // null: not made of multiply-adds
  shareOfPeak: number | null
}

const MIB = 2 ** 20
const PEAK_STEPS = 2000

/** Every kernel that the build has of its own, at the reference network's shapes; 64 rows a block, as the trainer uses them. */
export function benchKernels(build: BenchBuild): KernelLine[] {
  const memory = createMemory(320 * MIB)
  prepareMemory(build, memory)
  const kernels = bindCompiled(build, memory)
  fill(memory)
  const peakIn = (timing: Timing) => (build.peakFlops * PEAK_STEPS) / timing.seconds / 1e9
  const runPeak = () => kernels.peak(MIB, PEAK_STEPS)
  const lines: KernelLine[] = []
  const own = build.native === null ? [...mainCases(kernels), ...smallCases(kernels)] : mainCases(kernels)
  for (const [kernel, flops, run] of own) {
    // The peak is measured anew beside every kernel: the clock of a shared machine wanders.
    const before = peakIn(timeCalls(runPeak, { rounds: 20 }))
    const timing = timeCalls(run)
    const peak = (before + peakIn(timeCalls(runPeak, { rounds: 20 }))) / 2
    const gflops = flops === 0 ? null : flops / timing.seconds / 1e9
    lines.push({
      build: build.name,
      kernel,
      timing,
      gflops,
      shareOfPeak: gflops === null ? null : gflops / peak,
    })
  }
  const timing = timeCalls(runPeak)
  const peak = { kernel: 'multiply-adds alone (peak)', timing, gflops: peakIn(timing), shareOfPeak: 1 }
  return [{ build: build.name, ...peak }, ...lines]
}

/** What a bare loop of multiply-adds reaches, in GFLOP/s. */
export function peakGflops(build: BenchBuild): number {
  const kernels = bindCompiled(build, createMemory(4 * MIB))
  const { seconds } = timeCalls(() => kernels.peak(MIB, PEAK_STEPS), { rounds: 20 })
  return (build.peakFlops * PEAK_STEPS) / seconds / 1e9
}

const USERS = 1_000_000
const RESTAURANTS = 100_000
const at = {
  x: 2 * MIB,
  w: 3 * MIB,
  c: 4 * MIB,
  mask: 5 * MIB,
  z: 6 * MIB,
  bias: 7 * MIB,
  delta: 8 * MIB,
  stats: 9 * MIB,
  clicks: 10 * MIB,
  userRows: 11 * MIB,
  restaurantRows: 13 * MIB,
  other: 16 * MIB,
  zeros: 20 * MIB,
  moments: 24 * MIB, // 0, as those of a fresh run: a square below 0 would have Adam look for what is wrong
  squares: 28 * MIB,
  users: 32 * MIB,
  restaurants: 200 * MIB,
}

function fill(memory: WebAssembly.Memory): void {
  const random = new Random(1)
  const floats = new Float32Array(memory.buffer)
  for (let i = MIB / 4; i < (20 * MIB) / 4; i++) floats[i] = 0.02 * random.float() - 0.01
  floats.fill(0.01, at.users / 4, at.users / 4 + 32 * USERS)
  const userRows = new Uint32Array(memory.buffer, at.userRows, MIB / 2)
  const restaurantRows = new Uint32Array(memory.buffer, at.restaurantRows, MIB / 2)
  for (let i = 0; i < userRows.length; i++) {
    userRows[i] = random.below(USERS)
    restaurantRows[i] = random.below(RESTAURANTS)
  }
  new Uint8Array(memory.buffer, at.clicks, MIB).fill(1)
}

type Case = [name: string, flops: number, run: () => void]

/** Those that there are in C as well. */
function mainCases(k: Kernels): Case[] {
  const rows = 64
  let gathered = 0
  return [
    [
      'forward: hidden layer, mask and logit, 64×40·40×128',
      2 * rows * 40 * 128,
      () => k.hidden(at.mask, 132, at.z, at.x, 44, at.w, 128, at.bias, at.bias, rows, 128, 40),
    ],
    [
      'forward product alone (gemm)',
      2 * rows * 40 * 128,
      () => k.gemm(at.c, 128, at.x, 44, 1, at.w, 128, at.bias, 0, rows, 128, 40),
    ],
    [
      'backward: 41×64·64×128 added to the sums',
      2 * rows * 41 * 128,
      () => k.gemmOnes(at.c, 128, at.x, 1, 44, at.mask, 132, at.c, 128, 42, 128, rows),
    ],
    [
      'fold: 41×256·256×128',
      2 * 41 * 256 * 128,
      () => k.gemm(at.c, 128, at.x, 256, 1, at.w, 128, at.zeros, 0, 42, 128, 256),
    ],
    [
      'unfold: 256×41·41×128',
      2 * 41 * 256 * 128,
      () => k.gemm(at.c, 128, at.x, 1, 256, at.w, 128, at.zeros, 0, 256, 128, 41),
    ],
    [
      'unfold: 41×128·128×256',
      2 * 41 * 256 * 128,
      () => k.gemm(at.c, 256, at.x, 128, 1, at.w, 256, at.zeros, 0, 42, 256, 128),
    ],
    [
      'gather 64 rows of 30 + 10, random',
      0,
      () => {
        gathered = (gathered + rows) % (500_000 - rows)
        k.gather(
          at.x,
          44,
          at.userRows + 4 * gathered,
          at.restaurantRows + 4 * gathered,
          at.clicks,
          rows,
          rows,
          at.users,
          32,
          30,
          at.restaurants,
          16,
          10,
        )
      },
    ],
    [
      'Adam, 43,521 parameters',
      0,
      () => k.adam(at.c, at.w, at.moments, at.squares, 43_520, 1e-5, 1, 0.9, 0.999, 1e-8, 1),
    ],
    [
      'loss and its gradient, 64 rows',
      0,
      () => k.loss(at.z, 0.1, at.clicks, at.delta, 64, 64, 1 / 1024, at.stats),
    ],
    ['scale 64 rows', 0, () => k.scaleRows(at.other, 44, at.bias, 64, 44)],
    ['sum of 8 slices, 42×128', 0, () => k.sumSlices(at.c, at.other, 5376, 8, 42, 128, 128)],
  ]
}

function smallCases(k: Kernels): Case[] {
  return [['transpose 256×128', 0, () => k.transpose(at.c, 256, at.w, 128, 256, 128)]]
}
