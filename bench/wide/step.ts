// node bench/wide/step.ts [--kernels wasm] [--turbo off]: where the time of a step of 1,024 rows goes with twenty categories and both ids, on one
// thread without barriers. Each time is the 20th percentile: steps in which something else took the core drop out.
import { parseArgs } from 'node:util'
import { renderTable } from '../../src/cli/output/table.ts'
import { CLICK_PLAN, rowsAt } from '../../src/dataset/clicks/rowLayout.ts'
import { compileForRun } from '../../src/kernels/compileForRun.ts'
import { bestSimd, type Kernels } from '../../src/kernels/kernels.ts'
import { Random } from '../../src/random.ts'
import type { Arena } from '../../src/training/memory/arena.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'
import type { Phase } from '../../src/training/step/trainStep.ts'
import { BATCH_ROWS, stepAlone } from '../stepAlone.ts'
import { RESTAURANTS, USERS, WIDE_NETWORK } from './network.ts'

const WARM_UP = 300
const STEPS = 1000

const { values } = parseArgs({
  options: { kernels: { type: 'string', default: 'auto' }, turbo: { type: 'string', default: 'on' } },
})
const simd = bestSimd()
const compiled = compileForRun(simd, {
  turbo: values.turbo === 'on' ? 'on' : 'off',
  kernels: values.kernels === 'wasm' ? 'wasm' : 'auto',
  rows: 0,
  report: (message) => process.stderr.write(`${message}\n`),
})
let phase: Phase['name'] = 'fold'
const spent = new Map<string, number>()
const { arena, memory, batch, phases } = stepAlone({
  network: WIDE_NETWORK,
  users: USERS,
  restaurants: RESTAURANTS,
  settings: PRESETS.default,
  compiled,
  watched: timed,
})
fill(arena, memory.buffer)

drawRows()
const seconds = new Map<string, number[]>()
const keep = (part: string, time: number) => {
  const times = seconds.get(part) ?? []
  seconds.set(part, times)
  times.push(time / 1000)
}
for (let step = 1; step <= WARM_UP + STEPS; step++) {
  batch.step = step
  batch.from = (step % (arena.ring.chunkRows / BATCH_ROWS)) * BATCH_ROWS
  if (batch.from === 0) drawRows()
  spent.clear()
  const started = performance.now()
  for (const { name, tasks, count } of phases) {
    phase = name
    for (let task = 0; task < count(); task++) tasks[task]()
  }
  const whole = performance.now() - started
  if (step <= WARM_UP) continue
  for (const [part, time] of spent) keep(part, time)
  keep('rest: JavaScript, and what measuring takes', whole - [...spent.values()].reduce((a, b) => a + b, 0))
}
const fifth = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 5)]
const parts = [...seconds].map(([part, times]) => ({ part, time: fifth(times) }))
const sum = parts.reduce((total, { time }) => total + time, 0)
console.log(
  renderTable(
    [`one step of 1,024 rows, ${compiled.native ?? simd}, turbo ${values.turbo}`, 'time', 'share'],
    [...parts.toSorted((a, b) => b.time - a.time), { part: 'sum', time: sum }].map(({ part, time }) => [
      part,
      `${Math.round(1e6 * time)} µs`,
      `${Math.round((100 * time) / sum)} %`,
    ]),
    ['left', 'right', 'right'],
  ),
)

/** The same kernels; what each call takes is added to its part of the step. */
function timed(plain: Kernels): Kernels {
  return Object.fromEntries(
    Object.entries(plain).map(([name, kernel]: [string, (...values: number[]) => number]) => [
      name,
      (...args: number[]) => {
        const started = performance.now()
        const result = kernel(...args)
        const part = partOf(name)
        spent.set(part, (spent.get(part) ?? 0) + performance.now() - started)
        return result
      },
    ]),
  ) as unknown as Kernels
}

function partOf(name: string): string {
  if (name === 'embed' || name === 'gather' || name === 'setColumn')
    return 'rows in: codes, and their rows of the tables'
  if (name === 'embeddingAdam') return 'tables: gradients summed by code, lazy Adam'
  if (name === 'adam') return 'Adam on the layers'
  if (phase === 'fold' || phase === 'unfold') return 'fold and unfold of the layers'
  if (phase === 'reduce') return 'sums of the slices'
  if (name === 'hidden') return 'product: forward'
  if (name === 'gemmOnes') return 'product: gradient of the layer'
  return name === 'gemm' ? 'product: gradient at the inputs' : 'loss, scaling'
}

function fill({ tables, layout }: Arena, buffer: ArrayBufferLike): void {
  const random = new Random(1)
  for (const { table, word } of layout.embeddings) {
    const { at, rows, stride } = tables[table.side as 'users' | 'restaurants']
    const words = new Uint32Array(buffer, at, rows * stride)
    const isId = table.codes === rows + 2
    for (let row = 0; row < rows; row++)
      words[row * stride + word] = 2 + (isId ? row : random.below(table.codes - 2))
  }
}

function drawRows(): void {
  const random = new Random(batch.step)
  const { chunkRows, slots } = arena.ring
  const { users, restaurants, clicks } = rowsAt(CLICK_PLAN, memory.buffer, slots[0].rows, chunkRows)
  for (let i = 0; i < chunkRows; i++) {
    users[i] = random.below(USERS)
    restaurants[i] = random.below(RESTAURANTS)
    clicks[i] = random.below(10) === 0 ? 1 : 0
  }
}
