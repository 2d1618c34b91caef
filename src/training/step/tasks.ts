/** Work of one phase: independent of one another, in any order, on any thread. */
export type Task = () => void

/** Columns or rows of a small matrix product that one task computes. */
const PANEL = 32

/**
 * One phase from groups of tasks, each group in the order of what it touches, merged in proportion: the first
 * half of the phase is the first half of every group. Threads begin with their own part of a phase, so what
 * one has written it mostly reads again.
 */
export function interleave(groups: Task[][]): Task[] {
  return groups
    .flatMap((tasks) => tasks.map((task, i) => ({ task, position: (i + 0.5) / tasks.length })))
    .toSorted((a, b) => a.position - b.position)
    .map(({ task }) => task)
}

/**
 * Cuts 0 … total into panels, each with the task that `plan` makes for it; total is a multiple of 8, so is
 * every count.
 */
export function panels(total: number, plan: (from: number, count: number) => Task): Task[] {
  const tasks: Task[] = []
  for (let from = 0; from < total; from += PANEL) tasks.push(plan(from, Math.min(PANEL, total - from)))
  return tasks
}
