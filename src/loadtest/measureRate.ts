import { NearrankError } from '../errors.ts'
import { checkLimits } from './checkLimits.ts'
import { countIn, type LoadPlan } from './loadPlan.ts'
import { OpenLoop } from './openLoop.ts'
import { Tally } from './tally.ts'
import { Timeline } from './timeline.ts'
import type { LoadProgress, LoadTestResult } from './types.ts'

const PROGRESS_MS = 100

/**
 * One run at one rate: warm-up, the counted time, the last answers. @throws NearrankError UNAVAILABLE without
 * any connection.
 */
export async function measureRate(plan: LoadPlan, rate: number, durationMs: number): Promise<LoadTestResult> {
  const { target, requests, timeoutMs, connections, signal } = plan
  const count = countIn(rate, durationMs)
  const warmupCount = countIn(rate, plan.warmupMs)
  const tally = new Tally(plan.keepTimeline ? new Timeline(count, durationMs) : undefined)
  const loop = new OpenLoop({ target, requests, rate, warmupCount, count, timeoutMs, connections }, tally)
  const run: Run = { plan, rate, durationMs, count, warmupCount, loop, tally }
  const stop = () => loop.stop()
  signal?.addEventListener('abort', stop)
  const timer = setInterval(() => plan.onProgress?.(progressOf(run)), PROGRESS_MS)
  try {
    if (!signal?.aborted) {
      const opened = await loop.open()
      if (opened === 0 && !signal?.aborted)
        throw new NearrankError('UNAVAILABLE', `Cannot reach ${target.origin}: ${loop.refusal}`)
    }
    if (!signal?.aborted) await loop.run()
  } finally {
    loop.stop()
    clearInterval(timer)
    signal?.removeEventListener('abort', stop)
  }
  return resultOf(run, signal?.aborted === true)
}

interface Run {
  plan: LoadPlan
  rate: number
  durationMs: number
  count: number
  warmupCount: number
  loop: OpenLoop
  tally: Tally
}

function resultOf(run: Run, isInterrupted: boolean): LoadTestResult {
  const { plan, rate, durationMs, count, loop, tally } = run
  const countedMs = isInterrupted ? Math.min(durationMs, Math.max(0, sinceCountedMs(run))) : durationMs
  const due = isInterrupted ? Math.min(count, Math.floor((countedMs * rate) / 1000) + 1) : count
  const measured = {
    rate,
    achievedRate: (rate * loop.sentInTime) / due,
    durationSeconds: countedMs / 1000,
    ok: tally.ok,
    failed: tally.failed,
    latencyMs: tally.latency.latencies(),
  }
  return {
    ...measured,
    limits: checkLimits(measured, plan.limits),
    errors: tally.errors(),
    refusalMs: tally.refusal.latencies(),
    sendDelayMs: tally.sendDelay.latencies(),
    timeline: tally.timeline?.slices(countedMs) ?? [],
    distribution: tally.timeline?.distribution() ?? [],
    isInterrupted,
  }
}

function progressOf(run: Run): LoadProgress {
  const { plan, rate, durationMs, loop, tally } = run
  const warmupMs = (run.warmupCount * 1000) / rate
  const sinceMs = sinceCountedMs(run)
  const [stage, ms, stageMs]: [LoadProgress['stage'], number, number] =
    sinceMs < 0
      ? ['warm up', Math.max(0, sinceMs + warmupMs), warmupMs]
      : sinceMs < durationMs
        ? ['measure', sinceMs, durationMs]
        : ['last answers', sinceMs - durationMs, plan.timeoutMs]
  const { ok, failed, latency } = tally
  return {
    stage,
    rate,
    seconds: ms / 1000,
    stageSeconds: stageMs / 1000,
    ok,
    failed,
    inFlight: loop.inFlight,
    latencyMs: latency.latencies(),
  }
}

/** How long ago the first counted request was due; negative before, also while nothing has begun. */
function sinceCountedMs({ loop, warmupCount, rate }: Pick<Run, 'loop' | 'warmupCount' | 'rate'>): number {
  const sinceMs = performance.now() - loop.startMs - (warmupCount * 1000) / rate
  return Number.isNaN(sinceMs) ? Number.NEGATIVE_INFINITY : sinceMs
}
