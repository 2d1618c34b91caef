const FACTOR = 3
const RUNGS_MAX = 4
const STEPS_MIN = 50 // of the shortest training; with fewer, chance decides

/** A round of a search: how long each of its trials trains. */
export interface Rung {
  share: number // of the full training
  trials: number // that take part; the preset may be one more
}

/**
 * The rounds of successive halving (Jamieson and Talwalkar 2016): each has a third of the trials of the one
 * before, trained anew three times as long, the last in full. `steps`: of the full training.
 */
export function planRungs(trials: number, steps: number): Rung[] {
  let last = 0
  while (last + 1 < RUNGS_MAX && FACTOR ** (last + 1) <= trials && steps / FACTOR ** (last + 1) >= STEPS_MIN)
    last++
  return Array.from({ length: last + 1 }, (_, i) => ({
    share: 1 / FACTOR ** (last - i),
    trials: Math.ceil(trials / FACTOR ** i),
  }))
}

/**
 * Which trials go on, by number: the `count` of the lowest loss, among equal ones the first; and trial 0, so
 * that every round compares with it. undefined: it failed, or takes no part any more.
 */
export function survivors(losses: readonly (number | undefined)[], count: number): number[] {
  const ranked = losses
    .flatMap((loss, trial) => (loss === undefined ? [] : [{ loss, trial }]))
    .toSorted((a, b) => a.loss - b.loss || a.trial - b.trial)
  const kept = ranked.slice(0, count).map(({ trial }) => trial)
  return [...new Set(losses[0] === undefined ? kept : [0, ...kept])].toSorted((a, b) => a - b)
}
