import { bindCompiled, type CompiledKernels, prepareMemory } from '../src/kernels/compiledKernels.ts'
import type { Kernels } from '../src/kernels/kernels.ts'
import { initialState } from '../src/model/initialize.ts'
import type { Network } from '../src/model/network.ts'
import { stateToParameters } from '../src/model/parameters.ts'
import { allocateArena, planArena } from '../src/training/memory/arena.ts'
import { RowPass } from '../src/training/step/rowPass.ts'
import { type Batch, trainStep } from '../src/training/step/trainStep.ts'
import type { TrainSettings } from '../src/training/types.ts'

export const BATCH_ROWS = 1024

export interface StepAloneOptions {
  network: Network
  users: number
  restaurants: number
  settings: TrainSettings
  compiled: CompiledKernels
  watched?: (kernels: Kernels) => Kernels // @default as they are
}

/** A step of 1,024 rows on one thread without barriers, with initial weights; its rows are yet to be filled. */
export function stepAlone({ network, users, restaurants, settings, compiled, watched }: StepAloneOptions) {
  const arena = planArena({
    network,
    users,
    restaurants,
    batchSize: BATCH_ROWS,
    threads: 1,
    purpose: 'train',
  })
  const memory = allocateArena(arena)
  prepareMemory(compiled, memory)
  const bound = bindCompiled(compiled, memory)
  const kernels = watched?.(bound) ?? bound
  const parameters = new Float32Array(memory.buffer, arena.parameters.values, arena.layout.size)
  stateToParameters(arena.layout, initialState(network, 1), parameters)
  const batch: Batch = { slot: arena.ring.slots[0], from: 0, rows: BATCH_ROWS, step: 0 }
  const rowPass = new RowPass(arena, kernels, memory, 0)
  const options = { settings, steps: 10_000, report: () => {}, rowPass, batch }
  return { arena, memory, batch, phases: trainStep(arena, { kernels, memory }, options) }
}
