import { judgeStep, parameters } from '../test/kernels/adamCase.ts'
import { uniform } from '../test/kernels/arena.ts'
import { judgeGather } from '../test/kernels/gatherCase.ts'
import { type Build, builds, productBuilds, runTwin } from '../test/kernels/judge.ts'
import { judgeLayer, type Layer, layer } from '../test/kernels/layerCase.ts'
import { batch, judgeLoss, up4 } from '../test/kernels/lossCase.ts'
import { judgeProduct, product, ROUNDING } from '../test/kernels/productCase.ts'
import type { Random } from '../src/random.ts'
import { counted, trust } from './trust.ts'

const INITS = ['zeros', 'bias', 'accumulate'] as const
type Judge = (random: Random) => void

trust(
  'The kernels that do most of the work agree with float64 and write nowhere else, whatever the shape',
  { small: 10_000, night: 200_000 },
  async ({ random, amount }) => {
    const judges: Judge[] = [gemm, hidden, gather, loss, adam]
    for (let i = 0; i < amount; i++) judges[i % judges.length](random)
    const kernels = 'gemm, hidden, gather, loss and adam'
    return `${counted(amount)} random shapes of ${kernels}, in the fused and the strict build, guard words around each matrix: all within their bounds`
  },
)

function gemm(random: Random): void {
  const shape = { m: even(random, 66), n: 8 * (1 + random.below(16)), p: 1 + random.below(150) }
  const layout = { init: pick(random, INITS), transposed: random.below(2) === 0, slack: random.below(10) }
  const q = product(uniform(random, Math.sqrt(3 / Math.sqrt(shape.p))), shape, layout)
  judgeProduct(pick(random, productBuilds), q, ROUNDING)
}

function hidden(random: Random): void {
  const [m, n, p] = [even(random, 66), 8 * (1 + random.below(16)), 1 + random.below(150)]
  const q = layer(uniform(random, Math.sqrt(3 / Math.sqrt(p))), m, n, p, random.below(3))
  for (let j = 0; j < n; j++) q.arena.f32[q.wOut.at / 4 + j] /= Math.sqrt(n)
  if (isNearZero(q)) return hidden(random)
  judgeLayer(pick(random, productBuilds), q, { absolute: 3e-6, relative: 3e-6 })
}

/** Whether rounding may decide if a unit is on: then float32 and float64 may rightly differ. */
function isNearZero({ arena, mask, x, w, bias }: Layer): boolean {
  const { after } = runTwin(arena, (kernels) =>
    kernels.gemm(
      ...([mask.at, mask.stride, x.at, x.stride, 1, w.at, w.stride, bias.at, 0] as const),
      ...([mask.rows, mask.width, x.width] as const),
    ),
  )
  const h = new Float32Array(after)
  for (let row = 0; row < mask.rows; row++)
    for (let j = 0; j < mask.width; j++)
      if (Math.abs(h[mask.at / 4 + row * mask.stride + j]) < 1e-5) return true
  return false
}

function gather(random: Random): void {
  const count = 1 + random.below(12)
  const rows = {
    users: some(count, () => random.below(23)),
    restaurants: some(count, () => random.below(11)),
    clicks: some(count, () => random.below(2)),
  }
  judgeGather(build(random), rows, {
    userCount: 1 + random.below(33),
    restaurantCount: 1 + random.below(13),
    slack: random.below(3),
    padding: random.below(4),
  })
}

function loss(random: Random): void {
  const rows = 1 + random.below(80)
  const next = uniform(random, 3)
  const lanes = some(rows, () => some(4, next))
  const clicks = some(rows, () => random.below(2))
  const weights = random.below(2) === 0 ? undefined : some(up4(rows), () => 2 ** (random.below(7) - 4)) // no rounding of their own
  const scale = Math.fround(10 ** (3 * random.float() - 2.4))
  judgeLoss(build(random), batch(lanes, clicks, up4(rows) + 4 * random.below(3), weights), 0.125, scale)
}

function adam(random: Random): void {
  judgeStep(build(random), parameters(4 * (1 + random.below(40)), random.below(2 ** 31)), {
    stepSize: 0.1 * random.float(),
    vScale: 1 + 30 * random.float(),
    beta1: 0.99 * random.float(),
    beta2: 0.5 + 0.4999 * random.float(),
    epsilon: pick(random, [1e-8, 1e-3]),
    decay: pick(random, [1, 0.999]),
  })
}

function build(random: Random): Build {
  return pick(random, builds)
}

/** An even number from 4 to `max`. */
function even(random: Random, max: number): number {
  return 4 + 2 * random.below(max / 2 - 1)
}

function pick<T>(random: Random, all: readonly T[]): T {
  return all[random.below(all.length)]
}

function some<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
