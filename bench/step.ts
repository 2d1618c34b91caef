import { CLICK_PLAN, rowsAt } from '../src/dataset/clicks/rowLayout.ts'
import type { CompiledKernels } from '../src/kernels/compiledKernels.ts'
import type { Network } from '../src/model/network.ts'
import { Random } from '../src/random.ts'
import type { Arena } from '../src/training/memory/arena.ts'
import { PRESETS } from '../src/training/settings/presets.ts'
import type { Phase } from '../src/training/step/trainStep.ts'
import { timingOf, type Timing } from './measure.ts'
import { BATCH_ROWS, stepAlone } from './stepAlone.ts'

export const REFERENCE_NETWORK: Network = {
  userFeatures: 30,
  restaurantFeatures: 10,
  hidden: [256, 128],
  activations: ['none', 'relu'],
}
export const USERS = 1_000_000
export const RESTAURANTS = 100_000
const WARM_UP = 300
const STEPS = 600

/** Operations of one folded step of the reference network: rows forward and backward, fold, unfold twice. */
export const STEP_FLOPS = 2 * 128 * (BATCH_ROWS * (40 + 41) + 3 * 41 * 256)

export interface StepLine {
  part: string
  timing: Timing
  flops: number
}

/** Where the time of one step goes, on one thread without barriers: rows gathered at random from tables of the reference's size. */
export function benchStep(compiled: CompiledKernels): StepLine[] {
  const { arena, memory, batch, phases } = stepAlone({
    network: REFERENCE_NETWORK,
    users: USERS,
    restaurants: RESTAURANTS,
    settings: PRESETS.reference,
    compiled,
  })
  fillTables(arena, memory.buffer)
  fillChunk(arena, memory.buffer)
  const run = (name: Phase['name']) => {
    for (const { tasks, count } of phases.filter((phase) => phase.name === name))
      for (let task = 0; task < count(); task++) tasks[task]()
  }
  run('fold')
  const batches = arena.ring.chunkRows / BATCH_ROWS
  const parts: [part: string, flops: number, name: Phase['name']][] = [
    ['rows: gather, forward, loss, backward', 2 * 128 * BATCH_ROWS * 81, 'rows'],
    ['reduce: the slices’ sums', 0, 'reduce'],
    ['unfold: gradients of every layer', 2 * 2 * 41 * 256 * 128, 'unfold'],
    ['Adam', 0, 'adam'],
    ['fold: the layers’ product, one transpose', 2 * 41 * 256 * 128, 'fold'],
  ]
  const seconds = parts.map((): number[] => [])
  const whole: number[] = []
  for (let step = 1; step <= WARM_UP + STEPS; step++) {
    batch.step = step
    batch.from = (step % batches) * BATCH_ROWS
    const times = parts.map(([, , name]) => {
      const started = performance.now()
      run(name)
      return (performance.now() - started) / 1000
    })
    if (step <= WARM_UP) continue
    for (const [i, time] of times.entries()) seconds[i].push(time)
    whole.push(times.reduce((sum, time) => sum + time, 0))
  }
  const lines = parts.map(([part, flops], i) => ({ part, timing: timingOf(seconds[i]), flops }))
  return [...lines, { part: 'whole step', timing: timingOf(whole), flops: STEP_FLOPS }]
}

/** Features of the reference's kind: normal, seeded. */
export function fillTables(arena: Arena, buffer: ArrayBufferLike): void {
  const random = new Random(2)
  const pool = Float32Array.from({ length: 100_003 }, () => random.normal())
  for (const { at, rows, stride, numbers } of [arena.tables.users, arena.tables.restaurants]) {
    const table = new Float32Array(buffer, at, rows * stride)
    for (let row = 0, next = 0; row < rows; row++)
      for (let k = 0; k < numbers; k++, next = (next + 1) % pool.length) table[row * stride + k] = pool[next]
  }
}

function fillChunk(arena: Arena, buffer: ArrayBufferLike): void {
  const random = new Random(3)
  const { chunkRows, slots } = arena.ring
  const { users, restaurants, clicks } = rowsAt(CLICK_PLAN, buffer, slots[0].rows, chunkRows)
  for (let i = 0; i < chunkRows; i++) {
    users[i] = random.below(arena.tables.users.rows)
    restaurants[i] = random.below(arena.tables.restaurants.rows)
    clicks[i] = random.below(2)
  }
}
