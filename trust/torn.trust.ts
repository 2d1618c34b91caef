import { rankWhileWriting } from '../test/live/rankWhileWriting.ts'
import { counted, trust } from './trust.ts'

trust(
  'No ranking sees half an update, however many come',
  { small: 60_000, night: 6_000_000 },
  async ({ seed, amount }) => {
    const startedMs = performance.now()
    const seen = await rankWhileWriting({ rankings: amount, burst: 5000, pauseMs: 0, seed })
    const perSecond = seen.changes / ((performance.now() - startedMs) / 1000)
    return `${counted(2 * amount)} lists of two threads beside ${counted(seen.changes)} updates (${counted(Math.round(perSecond))} a second), ${counted(seen.changedLists)} lists with an update under way: each list is that of one moment`
  },
)
