import { checkLoad, planLoad } from './loadPlan.ts'
import { measureRate } from './measureRate.ts'
import { probeServer } from './probeServer.ts'
import type { LoadTestOptions, LoadTestResult } from './types.ts'

/**
 * Sends requests at a fixed rate, each when it is due, whatever has come back, and measures from when each
 * was due. `rate · duration` requests are counted, each as ok (2xx) or failed. An abort ends it early, with
 * what was counted until then.
 * @throws NearrankError USAGE, INPUT where the server refuses every request, UNAVAILABLE where it cannot be
 * reached.
 */
export async function runLoadTest(options: LoadTestOptions): Promise<LoadTestResult> {
  const { rate, durationMs } = options
  const plan = planLoad(options)
  checkLoad(rate, durationMs)
  await probeServer(plan)
  return measureRate(plan, rate, durationMs)
}
