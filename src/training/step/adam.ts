import type { Kernels } from '../../kernels/kernels.ts'
import type { NetworkLayout } from '../../model/layout.ts'
import { embeddingTensor, numberInputs } from '../../model/network.ts'
import type { Arena } from '../memory/arena.ts'
import type { EmbeddingStep } from '../memory/embeddingArea.ts'
import { learningRateAt } from './learningRate.ts'
import { fromColumn } from './operands.ts'
import { interleave, type Task } from './tasks.ts'
import type { TrainSettings } from '../types.ts'

/** Floats that one task updates. */
const PIECE = 4096

/**
 * Weight decay of the first layer's weights of direct embeddings, which keeps them within 1 / this. An L2
 * penalty alone does not hold ids: their numbers shrink, and these weights grow in return. Realistic data, 4
 * epochs: AUC 0.8174 without, 0.8184 with 10, 0.8202 with 100, 0.8203 with 300. While the rate is 0.01 or
 * more, these weights start from 0 in each step.
 */
const DIRECT_DECAY = 100

/** What a step of Adam needs beside the arrays; float32 in the kernel. */
interface StepSizes {
  step: number
  stepSize: number
  vScale: number
  decay: number
  directDecay: number
}

export interface AdamOptions {
  settings: TrainSettings
  steps: number // of the whole run, for the schedule
  step: () => number // the step to take, from 1
  rows: () => number // of the batch
  report: (code: number) => void // called if NaN or infinity appears, see describeNotFinite
}

/** Adam over all parameters: the layers in pieces, the embeddings table by table. */
export function adamTasks(arena: Arena, kernels: Kernels, options: AdamOptions): Task[] {
  const { settings, steps, step, report, rows } = options
  const { epsilon, weightDecay } = settings
  // The bias corrections must know the same β as the kernel, which has them in float32.
  const beta1 = Math.fround(settings.beta1)
  const beta2 = Math.fround(settings.beta2)
  const sizes: StepSizes = { step: 0, stepSize: 0, vScale: 0, decay: 1, directDecay: 1 }
  const update = () => {
    if (sizes.step === step()) return
    sizes.step = step()
    const rate = learningRateAt(settings, sizes.step, steps)
    sizes.stepSize = rate / (1 - beta1 ** sizes.step)
    sizes.vScale = 1 / Math.sqrt(1 - beta2 ** sizes.step)
    sizes.decay = 1 - rate * weightDecay
    sizes.directDecay = Math.max(0, 1 - rate * Math.max(weightDecay, DIRECT_DECAY))
  }
  const optimiser = { sizes, update, beta1, beta2, epsilon, hasPenalties: settings.embeddingL2 > 0, report }
  const layers = interleave(layerTasks(arena, kernels, optimiser))
  return dealt(embeddingTasks(arena, kernels, optimiser, rows), layers, arena.shape.threads)
}

/**
 * Every thread's part of the phase begins with its share of the tables, the largest first, so that none of
 * them is begun when all others are done.
 */
function dealt(tables: Task[], layers: Task[], threads: number): Task[] {
  const cut = (thread: number) => Math.floor((thread * layers.length) / threads)
  return Array.from({ length: threads }, (_, thread) => [
    ...tables.filter((__, i) => i % threads === thread),
    ...layers.slice(cut(thread), cut(thread + 1)),
  ]).flat()
}

/** What the tasks of a step share. */
interface Optimiser extends Pick<AdamOptions, 'report'> {
  sizes: StepSizes
  update: () => void // of `sizes`, once a step
  beta1: number
  beta2: number
  epsilon: number
  hasPenalties: boolean // of embeddings
}

function layerTasks(arena: Arena, kernels: Kernels, optimiser: Optimiser): Task[][] {
  const { sizes, update, beta1, beta2, epsilon, report } = optimiser
  const { values, gradients, momentsM, momentsV } = arena.parameters
  const piece = (tensor: number, from: number, count: number, decay: Decay): Task => {
    const at = 4 * from
    return () => {
      update()
      const bad = kernels.adam(
        values + at,
        gradients + at,
        momentsM + at,
        momentsV + at,
        count,
        sizes.stepSize,
        sizes.vScale,
        beta1,
        beta2,
        epsilon,
        decay === 'none' ? 1 : sizes[decay],
      )
      if (bad !== 0) report(notFiniteCode(tensor, bad))
    }
  }
  return arena.layout.layers.flatMap((at, i) => {
    const weights = at.inputs * at.outputs
    const pieces = decayRanges(arena.layout, i).flatMap(({ rows, first, decay }) => {
      const [start, end] = [first * at.outputs, (first + rows) * at.outputs]
      const own: Task[] = []
      for (let from = start; from < end; from += PIECE)
        own.push(piece(2 * i, at.offset + from, Math.min(PIECE, end - from), decay))
      return own
    })
    return [pieces, [piece(2 * i + 1, at.offset + weights, at.outputs, 'none')]]
  })
}

/** By what parameters decay in a step. */
type Decay = 'none' | 'decay' | 'directDecay'

/** The rows of a layer's weight [inputs, outputs], in their order, by how they decay. */
function decayRanges({ layers, embeddings }: NetworkLayout, layer: number) {
  const { inputs } = layers[layer]
  const ranges: { first: number; rows: number; decay: Decay }[] = []
  let first = 0
  const until = (end: number, decay: Decay) => {
    if (end > first) ranges.push({ first, rows: end - first, decay })
    first = end
  }
  if (layer === 0)
    for (const { table, column } of embeddings.filter((one) => one.table.direct)) {
      until(column, 'decay')
      if (table.additive)
        first = column + table.dim // they stay as they are: 0
      else until(column + table.dim, 'directDecay')
    }
  until(inputs, 'decay')
  return ranges
}

/**
 * The embeddings: of each table only the rows that the batch touched, as PyTorch's SparseAdam. The moments of
 * the others neither fade nor move anything. The tasks with the most to do come first.
 */
function embeddingTasks(arena: Arena, kernels: Kernels, optimiser: Optimiser, rows: () => number): Task[] {
  const { embedded, layout, parameters, shape } = arena
  if (!embedded) return []
  const { sizes, update, beta1, beta2, epsilon, hasPenalties, report } = optimiser
  const firstColumn = numberInputs(layout.network)
  const work = ({ embedding: { table }, residues }: EmbeddingStep) =>
    (Math.min(shape.batchSize * table.slots, table.codes) * table.dim) / residues
  const largestFirst = embedded.steps.toSorted((a, b) => work(b) - work(a))
  return largestFirst.map(({ embedding, residue, residues, penalties, sumOf, touched, sums }) => {
    const { table, offset, column, code } = embedding
    const tensor = 2 * layout.layers.length + layout.embeddings.indexOf(embedding)
    const at = 4 * offset
    const codes = fromColumn(embedded.codes, code)
    const deltas = fromColumn(embedded.deltas, column - firstColumn)
    return () => {
      update()
      const bad = kernels.embeddingAdam(
        parameters.values + at,
        parameters.momentsM + at,
        parameters.momentsV + at,
        table.dim,
        codes.at,
        codes.ld,
        table.slots,
        residue,
        residues,
        deltas.at,
        deltas.ld,
        rows(),
        sumOf,
        touched,
        sums,
        sizes.stepSize,
        sizes.vScale,
        beta1,
        beta2,
        epsilon,
        sizes.decay,
        hasPenalties ? penalties : 0,
      )
      if (bad !== 0) report(notFiniteCode(tensor, bad))
    }
  })
}

/** Of the loss itself. */
export const LOSS_NOT_FINITE = 1

function notFiniteCode(tensor: number, kinds: number): number {
  return 2 + tensor * 8 + kinds
}

/** What a code in the control block says: "the gradient of model.1.weight". */
export function describeNotFinite(code: number, { layers, embeddings }: NetworkLayout): string {
  if (code === LOSS_NOT_FINITE) return 'the loss'
  const tensor = (code - 2) >> 3
  const kinds = (code - 2) & 7
  const name =
    tensor < 2 * layers.length
      ? `${layers[tensor >> 1].layer.name}.${tensor & 1 ? 'bias' : 'weight'}`
      : embeddingTensor(embeddings[tensor - 2 * layers.length].table)
  if (kinds & 1) return `the gradient of ${name}`
  return kinds & 2 ? `a moment of ${name}` : name
}
