import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindKernels, compileKernels, type Kernels } from '../../src/kernels/kernels.ts'
import { naiveKernels } from '../../src/kernels/naive/naiveKernels.ts'
import {
  type EmbeddingTable,
  embeddingTensor,
  type Network,
  type StateDict,
} from '../../src/model/network.ts'
import { parametersToState, stateToParameters } from '../../src/model/parameters.ts'
import type { Side } from '../../src/features/featureSpec.ts'
import { Random } from '../../src/random.ts'
import { CLICK_PLAN, rowsAt } from '../../src/dataset/clicks/rowLayout.ts'
import { allocateArena, type Arena, planArena, type TableArea } from '../../src/training/memory/arena.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'
import { RowPass, SLICE_STATS } from '../../src/training/step/rowPass.ts'
import { foldStep, type Phase, trainStep } from '../../src/training/step/trainStep.ts'
import {
  forward64,
  initialState,
  listed,
  meanLoss64,
  numericGradient,
  type Row64,
  type Weights,
} from './float64Loss.ts'

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

const CITY: EmbeddingTable = { name: 'user.city', side: 'users', codes: 6, dim: 4, slots: 1 }
const LIKES: EmbeddingTable = { name: 'user.likes', side: 'users', codes: 9, dim: 8, slots: 3 }
const CUISINE: EmbeddingTable = {
  name: 'restaurant.cuisine',
  side: 'restaurants',
  codes: 5,
  dim: 8,
  slots: 1,
}
const TAGS: EmbeddingTable = { name: 'restaurant.tags', side: 'restaurants', codes: 7, dim: 4, slots: 5 }
// Large enough that several tasks update it, each the codes of one remainder.
const STREET: EmbeddingTable = {
  name: 'restaurant.street',
  side: 'restaurants',
  codes: 4100,
  dim: 4,
  slots: 2,
}

const USER: EmbeddingTable = { name: 'user.id', side: 'users', codes: 9, dim: 4, slots: 1, direct: true }
const PLACE: EmbeddingTable = { ...CUISINE, name: 'restaurant.id', direct: true }

const DIRECT: Network[] = [
  {
    userFeatures: 2,
    restaurantFeatures: 3,
    embeddings: [TAGS, USER, PLACE],
    hidden: [9, 8],
    activations: ['none', 'relu'],
  },
  {
    userFeatures: 0,
    restaurantFeatures: 0,
    embeddings: [USER, LIKES, PLACE],
    hidden: [7, 5],
    activations: ['relu', 'relu'],
  },
  {
    userFeatures: 1,
    restaurantFeatures: 0,
    embeddings: [CITY, USER],
    hidden: [],
    activations: [],
  },
]

const EMBEDDED: Network[] = [
  {
    userFeatures: 2,
    restaurantFeatures: 3,
    embeddings: [CITY, TAGS],
    hidden: [9, 8],
    activations: ['none', 'relu'],
  },
  {
    userFeatures: 0,
    restaurantFeatures: 0,
    embeddings: [CITY, CUISINE],
    hidden: [6],
    activations: ['relu'],
  },
  {
    userFeatures: 3,
    restaurantFeatures: 1,
    embeddings: [CITY, LIKES, CUISINE, TAGS],
    hidden: [6, 5],
    activations: ['relu', 'relu'],
  },
  {
    userFeatures: 1,
    restaurantFeatures: 2,
    embeddings: [LIKES, CITY],
    hidden: [8, 7, 4, 9],
    activations: ['relu', 'none', 'none', 'relu'],
  },
  {
    userFeatures: 0,
    restaurantFeatures: 5,
    embeddings: [LIKES, STREET, TAGS],
    hidden: [7, 3],
    activations: ['relu', 'none'],
  },
  {
    userFeatures: 4,
    restaurantFeatures: 0,
    embeddings: [TAGS],
    hidden: [5],
    activations: ['none'],
  },
  {
    userFeatures: 5,
    restaurantFeatures: 2,
    embeddings: [CITY, TAGS],
    hidden: [],
    activations: [],
  },
  {
    userFeatures: 0,
    restaurantFeatures: 0,
    embeddings: [LIKES, CUISINE, STREET],
    hidden: [],
    activations: [],
  },
]

type Bind = (memory: WebAssembly.Memory) => Kernels

const BINDINGS: [string, Bind][] = [
  ['relaxed', (memory) => bindKernels(compileKernels('relaxed'), memory)],
  ['strict', (memory) => bindKernels(compileKernels('strict'), memory)],
  ['naive', naiveKernels],
]

/** A row of one side: its numbers, and the codes of each of its embeddings. */
type SideRow = Row64

/** One code, 0 included, or a list with zeros anywhere in it, at times nothing else. */
function drawCodes(random: Random, { codes, slots }: EmbeddingTable): number[] {
  if (slots === 1) return [random.below(codes)]
  const isEmpty = random.below(4) === 0
  return Array.from({ length: slots }, () => (isEmpty || random.below(3) === 0 ? 0 : random.below(codes)))
}

/** Feature tables, a start for the weights, and clicks whose rows keep clear of every ReLU's kink. */
function problem(network: Network, seed: number) {
  const random = new Random(seed)
  const table = (rows: number, width: number, side: Side): SideRow[] => {
    const own = (network.embeddings ?? []).filter((embedding) => embedding.side === side)
    const numbers = Array.from({ length: rows }, () =>
      Array.from({ length: width }, () => Math.fround(random.normal())),
    )
    return numbers.map((row) => ({ numbers: row, codes: own.map((one) => drawCodes(random, one)) }))
  }
  const users = table(USERS, network.userFeatures, 'users')
  const restaurants = table(RESTAURANTS, network.restaurantFeatures, 'restaurants')
  const state = initialState(network, random)
  const weights: Weights = new Map()
  for (const [name, { data }] of state) weights.set(name, Float64Array.from(data))
  const clicks: { user: number; restaurant: number; click: number }[] = []
  const rows: Row64[] = []
  while (clicks.length < 2 * BATCH_ROWS) {
    const click = { user: random.below(USERS), restaurant: random.below(RESTAURANTS), click: random.below(2) }
    const row = pairOf(network, users[click.user], restaurants[click.restaurant])
    if (forward64(network, weights, row).margin < 1e-3) continue
    clicks.push(click)
    rows.push(row)
  }
  return { network, users, restaurants, state, weights, clicks, rows }
}

/** What a user and a restaurant give the network: the embeddings in its own order. */
function pairOf({ embeddings = [] }: Network, users: SideRow, restaurants: SideRow): Row64 {
  const next = { users: users.codes.values(), restaurants: restaurants.codes.values() }
  return {
    numbers: [...users.numbers, ...restaurants.numbers],
    codes: embeddings.map(({ side }) => next[side as Side].next().value!),
  }
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
  const fill = ({ at, stride }: TableArea, table: SideRow[]) => {
    for (const [row, { numbers, codes }] of table.entries()) {
      floats(at + 4 * row * stride, stride).set(numbers)
      new Uint32Array(memory.buffer, at + 4 * (row * stride + numbers.length)).set(codes.flat())
    }
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
  // What one step of Adam makes of zero moments: the gradients, times 1 − β1. The weights stay.
  const firstMoments = (): StateDict => {
    const { values, momentsM, momentsV } = arena.parameters
    const [weights, m, v] = [values, momentsM, momentsV].map((at) => floats(at, layout.size))
    const before = weights.slice()
    m.fill(0)
    v.fill(0)
    run(phases.filter(({ name }) => name === 'adam'))
    weights.set(before)
    return parametersToState(layout, m)
  }
  // Gradients of the layers alone: those of embeddings are never in one place.
  const layers: typeof layout = { ...layout, embeddings: [], size: layout.layersSize }
  return (from: number, rows: number) => {
    batch.from = from
    batch.rows = rows
    run(phases.filter(({ name }) => name !== 'adam' && name !== 'fold'))
    const slices = Math.ceil(rows / arena.slices.rows)
    const gradients = floats(arena.parameters.gradients, layers.size)
    const stats = new Float64Array(memory.buffer, arena.slices.stats, 4 * slices)
    let loss = 0
    for (let slice = 0; slice < slices; slice++) loss += stats[4 * slice + SLICE_STATS.loss]
    const gradient = parametersToState(layers, gradients)
    for (const [name, data] of embeddingGradients(arena, memory, rows)) gradient.set(name, data)
    return { layers, gradients, gradient, moments: firstMoments(), loss: loss / rows }
  }
}

/** Summed from what the pass over a batch leaves: of each row its codes, and the gradient at its embeddings. */
function embeddingGradients(
  { embedded, layout }: Arena,
  memory: WebAssembly.Memory,
  rows: number,
): StateDict {
  const gradients: StateDict = new Map()
  const numbers = layout.network.userFeatures + layout.network.restaurantFeatures
  for (const { table, column, code } of layout.embeddings) {
    const { codes, deltas } = embedded!
    const data = new Float32Array(table.codes * table.dim)
    for (let row = 0; row < rows; row++) {
      const own = new Uint32Array(memory.buffer, codes.at + 4 * (row * codes.ld + code), table.slots)
      const delta = new Float32Array(
        memory.buffer,
        deltas.at + 4 * (row * deltas.ld + column - numbers),
        table.dim,
      )
      const list = listed([...own])
      for (const one of list)
        for (const [k, value] of delta.entries()) data[one * table.dim + k] += value / list.length
    }
    gradients.set(embeddingTensor(table), { shape: [table.codes, table.dim], data })
  }
  return gradients
}

function formOf({ hidden, activations, embeddings = [], userFeatures, restaurantFeatures }: Network): string {
  const layers = hidden.map((units, i) => `${units} ${activations[i]}`).join(', ') || 'no hidden layer'
  if (embeddings.length === 0) return layers
  const names = embeddings.map(({ name }) => name).join(', ')
  return `${layers}; ${userFeatures} and ${restaurantFeatures} numbers, ${names}`
}

for (const network of [...NETWORKS, ...EMBEDDED, ...DIRECT]) {
  const form = formOf(network)
  const q = problem(network, 1)
  const labels = q.clicks.map(({ click }) => click)
  // A short batch after a long one: what the long one left in the slices must not come back.
  const batches = [
    { from: 0, rows: BATCH_ROWS },
    { from: BATCH_ROWS, rows: 37 },
    { from: 200, rows: 1 },
  ].map(({ from, rows }) => {
    const x = q.rows.slice(from, from + rows)
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
          const moments = found.moments.get(tensor)!.data
          const share = 1 - Math.fround(PRESETS.reference.beta1)
          for (const [i, value] of values.entries()) {
            const error = Math.abs(data[i] - value)
            assert.ok(
              error < 5e-6 * largest,
              `${tensor}[${i}], ${rows} rows: ${data[i]}, numerically ${value}`,
            )
            assert.ok(
              Math.abs(moments[i] / share - value) < 5e-6 * largest,
              `first moment of ${tensor}[${i}], ${rows} rows: ${moments[i]}, the gradient is ${value}`,
            )
          }
        }
        const padded = new Float32Array(found.layers.size)
        stateToParameters(found.layers, found.gradient, padded)
        const stray = padded.findIndex((value, i) => value !== found.gradients[i])
        assert.equal(stray, -1, `the padding has a gradient, at float ${stray}`)
      }
    })
}
