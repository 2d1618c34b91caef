import type { Kernels } from '../../kernels/kernels.ts'
import type { Arena } from '../memory/arena.ts'
import { adamTasks, type AdamOptions } from './adam.ts'
import { foldPhases } from './fold.ts'
import type { GroupPass } from './groupPass.ts'
import { reduceTasks } from './reduce.ts'
import type { BatchRows, RowPass } from './rowPass.ts'
import type { Task } from './tasks.ts'
import { unfoldPhases } from './unfold.ts'

/** A part of a step: tasks that any thread may do; the next phase begins when all are done. */
export interface Phase {
  name: 'score' | 'order' | 'rows' | 'reduce' | 'unfold' | 'adam' | 'fold'
  tasks: Task[]
  count: () => number // of the first tasks, those that the batch at hand needs
}

/** The batch of the step at hand: rows [from, from + rows) of a slot. The same object in every step. */
export interface Batch extends BatchRows {
  step: number // from 1
}

export interface StepOptions extends Pick<AdamOptions, 'settings' | 'steps' | 'report'> {
  rowPass: RowPass
  groupPass?: GroupPass | null // null: each row is learned by itself
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
  const { batch, rowPass, groupPass = null, settings, steps, report, onUpdated } = options
  const slices = () => Math.ceil(batch.rows / arena.slices.rows)
  const step = () => batch.step
  const [firstFold, ...furtherFolds] = foldPhases(arena, kernels, memory)
  const afterUpdate = onUpdated ? [...firstFold, onUpdated] : firstFold
  return [
    // Losses of groups need all their logits first, so that the rows go forward twice.
    ...(groupPass ? orderPhases(arena, { rowPass, groupPass }, batch, slices) : []),
    // forward, loss, backward
    { name: 'rows', tasks: rowTasks(arena, rowPass, batch, groupPass !== null), count: slices },
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

/** The logits of all rows, then what they are to learn. */
function orderPhases(
  arena: Arena,
  { rowPass, groupPass }: { rowPass: RowPass; groupPass: GroupPass },
  batch: Batch,
  count: () => number,
): Phase[] {
  const score = sliceTasks(arena, batch, (_, first, rows) => {
    rowPass.score(batch.slot, batch.from + first, rows)
  })
  const order = sliceTasks(arena, batch, (slice, first, rows) => {
    groupPass.slice(slice, batch, first, rows)
  })
  return [
    { name: 'score', tasks: score, count },
    { name: 'order', tasks: order, count },
  ]
}

function rowTasks(arena: Arena, rowPass: RowPass, batch: Batch, hasDeltas: boolean): Task[] {
  return sliceTasks(arena, batch, (slice, first, rows) => {
    rowPass.trainSlice(slice, batch, first, rows, hasDeltas)
  })
}

/** A task for each slice of the batch: rows [first, first + rows) of it. */
function sliceTasks(
  { slices }: Arena,
  batch: Batch,
  work: (slice: number, first: number, rows: number) => void,
): Task[] {
  return slices.sums.map((_, slice) => () => {
    const first = slice * slices.rows
    work(slice, first, Math.min(slices.rows, batch.rows - first))
  })
}

function phase(name: Phase['name'], tasks: Task[]): Phase {
  return { name, tasks, count: () => tasks.length }
}
