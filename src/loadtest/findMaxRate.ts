import { areMet } from './checkLimits.ts'
import { checkLoad, planLoad, RATE_MAX } from './loadPlan.ts'
import { measureRate } from './measureRate.ts'
import { probeServer } from './probeServer.ts'
import type { FindMaxOptions, FindMaxResult, LoadTestResult } from './types.ts'

// of the highest rate that met the limits, the lowest that missed them is at most this times it
const PRECISION = 1.05
const LOWEST_RATE = 1

/**
 * The highest rate that keeps the limits, within 5 %: doubled until a trial misses them, then the interval is
 * halved. The result is the best trial; where none kept the limits, the one of the lowest rate.
 * @throws NearrankError as `runLoadTest` does.
 */
export async function findMaxRate(options: FindMaxOptions): Promise<FindMaxResult> {
  const { rate: firstRate = 100, trialMs = 5000, onTrial } = options
  const plan = planLoad(options)
  checkLoad(firstRate, trialMs)
  await probeServer(plan)
  const trials: LoadTestResult[] = []
  for (let rate: number | undefined = firstRate; rate !== undefined; rate = nextRate(trials)) {
    const trial = await measureRate(plan, rate, trialMs)
    trials.push(trial)
    if (trial.isInterrupted) break
    onTrial?.(trial)
  }
  return { ...bestOf(trials), trials }
}

/** The rate of the next trial, three digits; undefined: the search is over. */
export function nextRate(trials: readonly Pick<LoadTestResult, 'rate' | 'limits'>[]): number | undefined {
  const { met, missed } = bounds(trials)
  if (missed === Number.POSITIVE_INFINITY) return met >= RATE_MAX ? undefined : Math.min(2 * met, RATE_MAX)
  if (met === 0) return missed <= LOWEST_RATE ? undefined : Math.max(LOWEST_RATE, digits(missed / 2))
  if (missed <= met * PRECISION) return undefined
  const middle = digits(Math.sqrt(met * missed))
  return middle > met && middle < missed ? middle : undefined
}

/**
 * The highest rate that kept the limits, the lowest that missed them; the search never looks outside of the
 * two.
 */
function bounds(trials: readonly Pick<LoadTestResult, 'rate' | 'limits'>[]): { met: number; missed: number } {
  let met = 0
  let missed = Number.POSITIVE_INFINITY
  for (const { rate, limits } of trials)
    if (areMet(limits)) met = Math.max(met, rate)
    else missed = Math.min(missed, rate)
  return { met, missed }
}

function bestOf(trials: readonly LoadTestResult[]): LoadTestResult {
  const finished = trials.filter(({ isInterrupted }) => !isInterrupted)
  const { met } = bounds(finished)
  const lowestFirst = finished.toSorted((a, b) => a.rate - b.rate)
  const best = finished.find(({ rate }) => rate === met) ?? lowestFirst[0] ?? trials[0]
  return { ...best, isInterrupted: trials.length > finished.length }
}

function digits(rate: number): number {
  return Number(rate.toPrecision(3))
}
