import { setTimeout as delay } from 'node:timers/promises'
import { isBusy } from './error.ts'

const WAIT_MS = 500
const TRY_EVERY_MS = 20

/**
 * Does `work` at once or, while another program has the file locked, as soon as it can, for half a second.
 * The thread is free in between.
 * @throws what `work` throws
 */
export async function onceUnlocked(work: () => void | Promise<void>): Promise<void> {
  const untilMs = performance.now() + WAIT_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= untilMs) throw error
    }
    await delay(TRY_EVERY_MS)
  }
}
