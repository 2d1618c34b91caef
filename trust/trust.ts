import { test, type TestContext } from 'node:test'
import { Random } from '../src/random.ts'

const HOUR_MS = 3_600_000

/** How much is done: `small` within seconds, for every change; `night` within an hour or two, for a release. */
export interface Amounts {
  small: number
  night: number
}

export interface TrustContext {
  seed: number
  random: Random // of the seed
  amount: number
  isNight: boolean
  t: TestContext
}

/** The scale and the seed of this run, as `run.ts` hands them to the files. */
export const IS_NIGHT = process.env.NEARRANK_TRUST_SCALE === 'night'
const SEED = Number(process.env.NEARRANK_TRUST_SEED ?? Date.now() % 1_000_000_007)

/**
 * Declares the one test of a file: a promise that Nearrank makes, and how it is put to the test. `run` throws
 * if the promise is broken, and returns what was seen, in words. The same seed makes the same choices again.
 */
export function trust(
  promise: string,
  amounts: Amounts,
  run: (context: TrustContext) => Promise<string>,
): void {
  test(promise, { timeout: IS_NIGHT ? 2 * HOUR_MS : HOUR_MS / 6 }, async (t) => {
    const amount = IS_NIGHT ? amounts.night : amounts.small
    t.diagnostic(`seed ${SEED}`)
    const figure = await run({ seed: SEED, random: new Random(SEED), amount, isNight: IS_NIGHT, t })
    if (figure !== '') t.diagnostic(`figure ${figure}`)
  })
}

/** Digits in groups of three. */
export function counted(count: number): string {
  return count.toLocaleString('en-US')
}
