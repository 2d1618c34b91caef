import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindKernels, compileKernels, type Kernels } from '../../src/kernels/kernels.ts'
import { naiveKernels } from '../../src/kernels/naive/naiveKernels.ts'
import type { Network } from '../../src/model/network.ts'
import { parametersToState, stateToParameters } from '../../src/model/parameters.ts'
import { Random } from '../../src/random.ts'
import { CLICK_PLAN, rowsAt } from '../../src/dataset/clicks/rowLayout.ts'
import { allocateArena, planArena, type TableArea } from '../../src/training/memory/arena.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'
import { RowPass, SLICE_STATS } from '../../src/training/step/rowPass.ts'
import { foldStep, type Phase, trainStep } from '../../src/training/step/trainStep.ts'
import { forward64, initialState, meanLoss64, numericGradient, type Weights } from './float64Loss.ts'

const USERS = 40
const RESTAURANTS = 25
const BATCH_ROWS = 130 // nine slices, the last one short

const NETWORKS: Network[] = [
  { userFeatures: 5, restaurantFeatures: 3, hidden: [9, 8], activations: ['none', 'relu'] }, // the reference's form
  { userFeatures: 1, restaurantFeatures: 1, hidden: [8], activations: ['relu'] },
  { userFeatures: 3, restaurantFeatures: 4, hidden: [6, 5], activations: ['relu', 'relu'] },
  {
    userFeatures: 2,
    restaurantFeatures: 6,
    hidden: [5, 7, 4, 6],
    activations: ['relu', 'none', 'none', 'relu'],
  },
  { userFeatures: 4, restaurantFeatures: 1, hidden: [7, 3], activations: ['relu', 'none'] },
  { userFeatures: 6, restaurantFeatures: 2, hidden: [5], activations: ['none'] },
  { userFeatures: 7, restaurantFeatures: 5, hidden: [], activations: [] },
]

type Bind = (memory: WebAssembly.Memory) => Kernels

const BINDINGS: [string, Bind][] = [
  ['relaxed', (memory) => bindKernels(compileKernels('relaxed'), memory)],
  ['strict', (memory) => bindKernels(compileKernels('strict'), memory)],
  ['naive', naiveKernels],
]

/** Feature tables, a start for the weights, and clicks whose rows keep clear of every ReLU's kink. */
function problem(network: Network, seed: number) {
  const random = new Random(seed)
  const table = (rows: number, width: number) =>
    Array.from({ length: rows }, () => Array.from({ length: width }, () => Math.fround(random.normal())))
  const users = table(USERS, network.userFeatures)
  const restaurants = table(RESTAURANTS, network.restaurantFeatures)
  const state = initialState(network, random)
  const weights: Weights = new Map()
  for (const [name, { data }] of state) weights.set(name, Float64Array.from(data))
  const clicks: { user: number; restaurant: number; click: number }[] = []
  while (clicks.length < 2 * BATCH_ROWS) {
    const row = { user: random.below(USERS), restaurant: random.below(RESTAURANTS), click: random.below(2) }
    const { margin } = forward64(network, weights, [...users[row.user], ...restaurants[row.restaurant]])
    if (margin > 1e-3) clicks.push(row)
  }
  return { network, users, restaurants, state, weights, clicks }
}

function run(phases: Phase[]): void {
  for (const { tasks, count } of phases) for (const task of tasks.slice(0, count())) task()
}

/** The trainer's own way through one batch, on one thread: fold, rows, reduce, unfold. */
function trainer({ network, users, restaurants, state, clicks }: ReturnType<typeof problem>, bind: Bind) {
  const shape = { network, users: USERS, restaurants: RESTAURANTS, batchSize: BATCH_ROWS, threads: 1 }
  const arena = planArena({ ...shape, purpose: 'train' })
  const memory = allocateArena(arena)
  const kernels = bind(memory)
  const { layout } = arena
  const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count)
  const fill = ({ at, stride }: TableArea, table: number[][]) => {
    for (const [row, values] of table.entries()) floats(at + 4 * row * stride, stride).set(values)
  }
  fill(arena.tables.users, users)
  fill(arena.tables.restaurants, restaurants)
  stateToParameters(layout, state, floats(arena.parameters.values, layout.size))
  const [slot] = arena.ring.slots
  const chunk = rowsAt(CLICK_PLAN, memory.buffer, slot.rows, arena.ring.chunkRows)
  for (const [i, { user, restaurant, click }] of clicks.entries()) {
    chunk.users[i] = user
    chunk.restaurants[i] = restaurant
    chunk.clicks[i] = click
  }
  const batch = { slot, from: 0, rows: 0, step: 1 }
  const rowPass = new RowPass(arena, kernels, memory, 0)
  const report = (code: number) => assert.fail(`not finite: ${code}`)
  const options = { settings: PRESETS.reference, steps: 1, report, rowPass, batch }
  const phases = trainStep(arena, { kernels, memory }, options)
  run(foldStep(arena, kernels, memory))
  return (from: number, rows: number) => {
    batch.from = from
    batch.rows = rows
    run(phases.filter(({ name }) => name !== 'adam' && name !== 'fold'))
    const slices = Math.ceil(rows / arena.slices.rows)
    const gradients = floats(arena.parameters.gradients, layout.size)
    const stats = new Float64Array(memory.buffer, arena.slices.stats, 4 * slices)
    let loss = 0
    for (let slice = 0; slice < slices; slice++) loss += stats[4 * slice + SLICE_STATS.loss]
    return { layout, gradients, gradient: parametersToState(layout, gradients), loss: loss / rows }
  }
}

for (const network of NETWORKS) {
  const form =
    network.hidden.map((units, i) => `${units} ${network.activations[i]}`).join(', ') || 'no hidden layer'
  const q = problem(network, 1)
  const features = q.clicks.map(({ user, restaurant }) => [...q.users[user], ...q.restaurants[restaurant]])
  const labels = q.clicks.map(({ click }) => click)
  // A short batch after a long one: what the long one left in the slices must not come back.
  const batches = [
    { from: 0, rows: BATCH_ROWS },
    { from: BATCH_ROWS, rows: 37 },
    { from: 200, rows: 1 },
  ].map(({ from, rows }) => {
    const x = features.slice(from, from + rows)
    const y = labels.slice(from, from + rows)
    const loss = meanLoss64(network, q.weights, x, y)
    return { from, rows, loss, expected: numericGradient(network, q.weights, x, y) }
  })

  for (const [name, bind] of BINDINGS)
    test(`gradients ${name}, ${form}: within 5e-6 of numeric differentiation, relative to the tensor's largest`, () => {
      const step = trainer(q, bind)
      for (const { from, rows, loss, expected } of batches) {
        const found = step(from, rows)
        assert.ok(
          Math.abs(found.loss - loss) < 1e-6 * loss,
          `mean loss of ${rows} rows is ${found.loss}, not ${loss}`,
        )
        for (const [tensor, values] of expected) {
          const largest = Math.max(...values.map(Math.abs))
          assert.ok(largest > 1e-4, `${tensor} has no gradient: the case tests nothing`)
          const { data } = found.gradient.get(tensor)!
          for (const [i, value] of values.entries()) {
            const error = Math.abs(data[i] - value)
            assert.ok(
              error < 5e-6 * largest,
              `${tensor}[${i}], ${rows} rows: ${data[i]}, numerically ${value}`,
            )
          }
        }
        const padded = new Float32Array(found.layout.size)
        stateToParameters(found.layout, found.gradient, padded)
        const stray = padded.findIndex((value, i) => value !== found.gradients[i])
        assert.equal(stray, -1, `the padding has a gradient, at float ${stray}`)
      }
    })
}
