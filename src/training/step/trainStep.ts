import type { Kernels } from '../../kernels/kernels.ts'
import type { Arena } from '../memory/arena.ts'
import { adamTasks, type AdamOptions } from './adam.ts'
import { foldPhases } from './fold.ts'
import { reduceTasks } from './reduce.ts'
import type { BatchRows, RowPass } from './rowPass.ts'
import type { Task } from './tasks.ts'
import { unfoldPhases } from './unfold.ts'

/** A part of a step: tasks that any thread may do; the next phase begins when all are done. */
export interface Phase {
  name: 'rows' | 'reduce' | 'unfold' | 'adam' | 'fold'
  tasks: Task[]
  count: () => number // of the first tasks, those that the batch at hand needs
}

/** The batch of the step at hand: rows [from, from + rows) of a slot. The same object in every step. */
export interface Batch extends BatchRows {
  step: number // from 1
}

export interface StepOptions extends Pick<AdamOptions, 'settings' | 'steps' | 'report'> {
  rowPass: RowPass
  batch: Batch
  onUpdated?: () => void // called once a step, by any thread, when the parameters are updated
}

/**
 * A training step: its phases in their order. The sums that a phase leaves do not depend on who did which
 * task.
 */
export function trainStep(
  arena: Arena,
  { kernels, memory }: { kernels: Kernels; memory: WebAssembly.Memory },
  options: StepOptions,
): Phase[] {
  const { batch, rowPass, settings, steps, report, onUpdated } = options
  const slices = () => Math.ceil(batch.rows / arena.slices.rows)
  const step = () => batch.step
  const [firstFold, ...furtherFolds] = foldPhases(arena, kernels, memory)
  const afterUpdate = onUpdated ? [...firstFold, onUpdated] : firstFold
  return [
    { name: 'rows', tasks: rowTasks(arena, rowPass, batch), count: slices }, // forward, loss, backward
    phase('reduce', reduceTasks(arena, kernels, memory, slices)),
    ...unfoldPhases(arena, kernels).map((tasks) => phase('unfold', tasks)),
    phase('adam', adamTasks(arena, kernels, { settings, steps, step, report, rows: () => batch.rows })),
    ...[afterUpdate, ...furtherFolds].map((tasks) => phase('fold', tasks)), // for the next step's rows
  ]
}

/** The fold alone, after the parameters were written from outside. */
export function foldStep(arena: Arena, kernels: Kernels, memory: WebAssembly.Memory): Phase[] {
  return foldPhases(arena, kernels, memory).map((tasks) => phase('fold', tasks))
}

/** A task for each slice of the batch. */
function rowTasks({ slices }: Arena, rowPass: RowPass, batch: Batch): Task[] {
  return slices.sums.map((_, slice) => () => {
    const first = slice * slices.rows
    const rows = Math.min(slices.rows, batch.rows - first)
    rowPass.trainSlice(slice, batch, first, rows)
  })
}

function phase(name: Phase['name'], tasks: Task[]): Phase {
  return { name, tasks, count: () => tasks.length }
}
