import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../errors.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import { buildApp } from './app.ts'
import { checkFree } from './threads/listenAddress.ts'
import { LiveState } from '../live/state.ts'
import { createLogger } from './logger.ts'
import { ModelHost } from './modelHost.ts'
import { openFilledStore } from '../live/openFilledStore.ts'
import { answerPassed } from './threads/passing/answerPassed.ts'
import { Problem } from './problems/problems.ts'
import { Metrics } from './renderMetrics.ts'
import {
  DEFAULT_CANDIDATES_MAX,
  DEFAULT_DRAIN_SECONDS,
  DEFAULT_HOST,
  DEFAULT_PORT,
  DEFAULT_STORE,
  DEFAULT_WAITING_MAX,
  type ServeOptions,
} from './serveOptions.ts'
import type { Health, ServedModel, Services } from './services.ts'
import { ThreadPool } from './threads/pool.ts'
import { ThreadStats } from './threads/stats.ts'

const LAME_DUCK_MS = 500 // between the word that no more should come and the end of listening

export interface RunningServer {
  host: string
  port: number
  users: number
  restaurants: number
  workers: number
  reload(): Promise<ServedModel>
  /** Answers what has arrived, then stops. */
  stop(): Promise<void>
  /** Rejects when the server cannot go on. */
  crashed: Promise<never>
}

/**
 * Starts serving: `threads` listen and rank from memory that they share, this thread keeps that memory in step with the store and answers everything that is
 * not a ranking. Resolves when it is ready.
 * @throws NearrankError as `loadModelFiles`, `openStore` and `fillStore`; INPUT where the address cannot be listened on.
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, workers = availableParallelism() } = options
  const { logLevel = 'info', apiKeys, unknownUser = 'fail', drainSeconds = DEFAULT_DRAIN_SECONDS } = options
  const { candidatesMax = DEFAULT_CANDIDATES_MAX, waitingMax = DEFAULT_WAITING_MAX } = options
  const logger = createLogger({ level: logLevel })
  const files = await loadModelFiles(options.model)
  await checkFree(host, port)
  const filled = { ...options, store: options.store ?? DEFAULT_STORE }
  const { store, rows } = await openFilledStore(filled, files.description)
  const { layout } = store

  let crash: (error: Error) => void = () => undefined
  const crashed = new Promise<never>((_, reject) => (crash = reject))
  crashed.catch(() => undefined) // whoever waits for it hears it
  const statsMemory = Array.from({ length: workers }, () => new SharedArrayBuffer(ThreadStats.BYTES))
  const pool = new ThreadPool({
    threads: workers,
    config: (thread) => ({
      thread,
      host,
      unknownUser,
      candidatesMax,
      waitingMax,
      logsRequests: logger.isLevelEnabled('debug'),
      reusePort: workers > 1,
      stats: statsMemory[thread - 1],
      userIds: layout.users.ids,
      apiKeys: apiKeys?.entries ?? null,
    }),
    answer: (request) => answerPassed(app, request, logger),
    log: (line) => {
      const { what, ...rest } = line
      const told = { method: 'POST', route: '/recommend/:user_id', ...rest }
      if (what === 'request') logger.debug(told, 'request')
      else logger.error(told, 'request failed')
    },
    onCrash: (error) => {
      logger.fatal({ err: error }, 'a ranking thread ended')
      crash(error)
    },
  })
  const state = new LiveState({
    layout,
    rows,
    threads: workers + 1,
    ranksForMeanUser: unknownUser === 'average',
    publish: (memory) => pool.publish(memory),
    onProblem: (message) => logger.warn(message),
    onFailure: (error) => {
      logger.fatal({ err: error }, 'memory cannot follow the store any more')
      crash(error)
    },
    onSynced: (counts) => logger.info(counts, 'the store has been read'),
  })

  let models: ModelHost | undefined
  let isReady = false
  let isStopping = false
  const health = (): Health => {
    const told = store.status()
    const reasons: string[] = []
    if (isStopping) reasons.push('The server is shutting down.')
    else if (!isReady) reasons.push('Features are still being loaded.')
    if (isReady && !told.connected)
      reasons.push('The store cannot be reached: features are served from memory.')
    else if (isReady && !told.synced)
      reasons.push('The store is being read anew: features may be out of date.')
    for (const [side, count] of Object.entries(state.counts))
      if (isReady && count === 0) reasons.push(`There are no ${side} in the store.`)
    return {
      ready: isReady && !isStopping,
      reasons,
      store: told,
      model: models?.current() ?? null,
      ...state.counts,
      workers: pool.ready,
    }
  }
  const metrics = new Metrics(
    statsMemory.map((memory) => new ThreadStats(memory)),
    health,
  )
  const model = (): ModelHost => {
    if (!models) throw new Problem('NOT_READY', 'Cannot tell of a model yet: features are still being loaded')
    return models
  }
  const changeModel = async (how: 'reload' | 'rollback'): Promise<ServedModel> => {
    try {
      const served = await model()[how]()
      logger.info({ version: served.version, checksum: served.checksum }, `model ${how}`)
      return served
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, `model ${how} refused: the old one stays`)
      throw error
    }
  }
  const services: Services = {
    features: {
      layout,
      read: (side, id) => state.read(side, id),
      write: async (changes) => {
        await store.write(changes)
        await state.settled()
      },
    },
    models: {
      current: () => model().current(),
      reload: () => changeModel('reload'),
      rollback: () => changeModel('rollback'),
    },
    health,
    metrics: () => metrics.render(),
  }
  const app = buildApp({
    services,
    ...(apiKeys && { apiKeys }),
    logger,
  })

  async function stop(): Promise<void> {
    if (isStopping) return
    isStopping = true
    logger.info('stopping: answering what has arrived')
    pool.drain()
    await delay(LAME_DUCK_MS)
    await pool.close(1000 * drainSeconds)
    await store.close()
    await app.close()
    logger.info('stopped')
  }

  try {
    const chosen = await Promise.race([pool.listen(port), crashed])
    await Promise.race([store.start(state), crashed])
    models = await Promise.race([ModelHost.start(options.model, files, state, layout), crashed])
    await state.settled()
    isReady = true
    const { users, restaurants } = state.counts
    logger.info({ host, port: chosen, workers, users, restaurants }, 'ready')
    return {
      host,
      port: chosen,
      workers,
      users,
      restaurants,
      crashed,
      stop,
      reload: () => changeModel('reload'),
    }
  } catch (error) {
    await pool.close(0)
    await store.close()
    throw error
  }
}
