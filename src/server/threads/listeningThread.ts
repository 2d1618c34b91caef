import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../errors.ts'
import { errnoOf } from '../../files.ts'
import { LiveRanker } from '../../live/ranker.ts'
import { ApiKeys } from '../keys/apiKeys.ts'
import { BODY_LIMITS, BODY_ROOM } from '../limits.ts'
import { LastProblems } from '../problems/lastProblems.ts'
import { Admission } from './admission/admission.ts'
import { BodyBytes } from './admission/bodyBytes.ts'
import { CrossOrigin } from './admission/crossOrigin.ts'
import { RequestQueue } from './admission/requestQueue.ts'
import { SiteGuard } from './admission/siteGuard.ts'
import { MainThread } from './passing/mainThread.ts'
import { LoadRoute, PassedRoute } from './passing/passedRoute.ts'
import type { FromThread, PassedAnswer, ThreadConfig, ToThread } from './protocol.ts'
import { RankingRoute } from './ranking/rankingRoute.ts'
import { warmUp } from './ranking/warmUp.ts'
import { ThreadStats } from './threadStats.ts'
import { createThreadServer } from './threadServer.ts'

const LOOP_DELAY_EVERY_MS = 5_000
const LOOP_DELAY_RESOLUTION_MS = 50
const PROBLEMS_EVERY_MS = 1_000
const BACKLOG = 1024

const config = workerData as ThreadConfig
const stats = new ThreadStats(config.stats)
stats.started()
const calls = new Map<number, (answer: PassedAnswer) => void>()
let lastCall = 0
let ranker: LiveRanker | undefined
let isDraining = false

const problems = new LastProblems()
const admission = new Admission({
  isDraining: () => isDraining,
  held: new BodyBytes({ ...BODY_ROOM, all: config.bodyBytes, thread: config.thread }),
  problems,
  apiKeys: config.apiKeys ? new ApiKeys(config.apiKeys) : undefined,
})
const mainThread = new MainThread({
  admission,
  pass: (request) =>
    new Promise((resolve) => {
      calls.set(++lastCall, resolve)
      const { body } = request
      const isAlone = body !== null && body.byteLength === body.buffer.byteLength
      tell({ what: 'call', call: lastCall, request }, isAlone ? [body.buffer as ArrayBuffer] : [])
    }),
})
const passing = { admission, mainThread, limits: BODY_LIMITS }
const table = {
  crossOrigin: config.corsOrigins.length > 0 ? new CrossOrigin(config.corsOrigins) : null,
  guard: config.apiKeys ? null : new SiteGuard(config.host, config.allowedHosts, config.corsOrigins),
  ranking: new RankingRoute({
    admission,
    queue: new RequestQueue({ waitingMax: config.waitingMax }),
    ranker: () => ranker,
    stats,
    userIds: config.userIds,
    unknownUser: config.unknownUser,
    candidatesMax: config.candidatesMax,
    explain: (response, userId, body) =>
      void mainThread.answer(response, `/recommend/${encodeURIComponent(userId)}`, body),
    onFailure: (problem) => {
      const { code, cause = problem } = problem
      tell({ what: 'log', log: { what: 'failed', code, err: errorOf(cause) } })
    },
    onRanked: config.logsRequests
      ? (status, ms) => tell({ what: 'log', log: { what: 'request', status, ms } })
      : undefined,
  }),
  loads: new LoadRoute(passing),
  others: new PassedRoute(passing),
  problems,
}
const server = createThreadServer(table, { onDropped: () => stats.countDropped() })

parentPort?.on('message', (message: ToThread) => {
  if (message.what === 'listen') listen(message.port)
  else if (message.what === 'memory') {
    // Between two requests, which are ranked in one go: none sees two models.
    const isFirst = ranker === undefined
    const fresh = new LiveRanker(message.memory, config.thread, config)
    if (isFirst) warmUp(fresh, message.memory)
    ranker = fresh
    tell({ what: 'took', version: message.version })
  } else if (message.what === 'answer') {
    calls.get(message.call)?.(message.answer)
    calls.delete(message.call)
  } else if (message.what === 'drain') isDraining = true
  else close()
})

function listen(port: number): void {
  const refused = (error: Error) =>
    tell({ what: 'refused', message: messageOf(error), errno: errnoOf(error) })
  server.once('error', refused)
  server.listen({ host: config.host, port, reusePort: config.reusePort, backlog: BACKLOG }, () => {
    server.off('error', refused)
    const address = server.address()
    tell({ what: 'listening', port: typeof address === 'object' && address ? address.port : port })
  })
}

/** What has arrived is answered; connections that wait for nothing are closed at once. */
function close(): void {
  server.close(() => {
    tell({ what: 'closed' })
    clearInterval(loopDelayTimer)
    clearInterval(problemsTimer)
    tellProblems()
    parentPort?.close()
  })
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** `moved`: what is handed over and not copied. */
function tell(message: FromThread, moved: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, moved)
}

function tellProblems(): void {
  const noted = problems.take()
  if (noted.length > 0) tell({ what: 'problems', problems: noted })
}

const problemsTimer = setInterval(tellProblems, PROBLEMS_EVERY_MS)
problemsTimer.unref()
const loopDelay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS })
loopDelay.enable()
const loopDelayTimer = setInterval(() => {
  // The monitor measures the time between two of its own timers: one resolution if nothing is late.
  const seconds = (ns: number) =>
    Math.max(0, Number.isFinite(ns) ? ns / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1000 : 0)
  stats.setLoopDelay(
    seconds(loopDelay.percentile(50)),
    seconds(loopDelay.percentile(99)),
    seconds(loopDelay.max),
  )
  loopDelay.reset()
}, LOOP_DELAY_EVERY_MS)
loopDelayTimer.unref()
