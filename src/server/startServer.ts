import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { NearrankError } from '../errors.ts'
import { openFilledStore } from '../live/openFilledStore.ts'
import { LiveState } from '../live/state.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import { modelFeatures } from '../model/modelFeatures.ts'
import type { FeaturesOf, Side } from '../features/featureSpec.ts'
import type { FeatureStore, StoreLayout } from '../store/featureStore.ts'
import { buildApp } from './app.ts'
import { mapTilesOrigin } from './console/mapTiles.ts'
import type { ConsolePage } from './console/page.ts'
import { checkCorsOrigins } from './corsOrigins.ts'
import { liveServices, type Progress } from './liveServices.ts'
import { createLogger } from './logger.ts'
import { EXPOSED, isLoopback } from './loopback.ts'
import { type ModelFiles, ModelHost } from './modelHost.ts'
import { LastProblems } from './problems/lastProblems.ts'
import { type ServeOptions, type ServeSettings, withDefaults } from './serveOptions.ts'
import type { ServedModel, Services } from './services.ts'
import { checkFree } from './threads/listenAddress.ts'
import { ListeningThreads } from './threads/listeningThreads.ts'
import { answerPassed } from './threads/passing/answerPassed.ts'
import type { ThreadLog } from './threads/protocol.ts'
import { ThreadStats } from './threads/threadStats.ts'

const LAME_DUCK_MS = 500 // from the last word to load balancers until nothing more is accepted

export interface RunningServer {
  host: string
  port: number
  users: number
  restaurants: number
  workers: number // listening threads
  reload(): Promise<ServedModel>
  /** Answers what has arrived, then stops. */
  stop(): Promise<void>
  /** Rejects when the server cannot go on. */
  crashed: Promise<never>
}

/** What a server is made of. */
interface Parts {
  settings: ServeSettings
  logger: Logger
  store: FeatureStore
  threads: ListeningThreads
  state: LiveState
  services: Services
  app: FastifyInstance
  progress: Progress
  crashed: Promise<never>
}

/**
 * Starts a server. `workers` threads listen, and rank from memory that they share. This thread keeps that
 * memory in step with the store and answers everything that is not a ranking. Resolves when it is ready.
 * @throws NearrankError as `loadModelFiles`, `openStore` and `fillStore`; INPUT if the address is in use;
 * USAGE as `checkCorsOrigins` and `mapTilesOrigin`.
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const settings = withDefaults(options)
  if (settings.mapTiles !== undefined)
    mapTilesOrigin(settings.mapTiles) // throws now, and not when one looks
  else if (settings.mapAttribution !== undefined)
    throw new NearrankError(
      'USAGE',
      'Cannot use mapAttribution (--map-attribution) without mapTiles (--map-tiles): it says whom the tiles are from; give both, or neither',
    )
  checkCorsOrigins(settings.corsOrigins, { hasKeys: settings.apiKeys !== undefined })
  const logger = createLogger({ level: settings.logLevel })
  if (!settings.apiKeys && !isLoopback(settings.host)) logger.warn({ host: settings.host }, EXPOSED)
  const files = await loadModelFiles(settings.model)
  await checkFree(settings.host, settings.port)
  const { store, rows } = await openFilledStore(settings, files.description)
  const features = modelFeatures(files.description)
  const parts = assemble({ settings, logger, store, rows, features })
  try {
    return await makeReady(parts, files)
  } catch (error) {
    await parts.threads.close(0)
    await store.close()
    throw error
  }
}

/** Puts the parts together. The threads start, and wait for `listen`. */
function assemble(made: {
  settings: ServeSettings
  logger: Logger
  store: FeatureStore
  rows: Record<Side, number>
  features: FeaturesOf
}): Parts {
  const { settings, logger, store, rows, features } = made
  const { layout } = store
  const { promise: crashed, reject } = Promise.withResolvers<never>()
  crashed.catch(() => undefined) // whoever waits for it hears it
  const crash = (error: Error, message: string): void => {
    logger.fatal({ err: error }, message)
    reject(error)
  }
  const stats = Array.from({ length: settings.workers }, () => new SharedArrayBuffer(ThreadStats.BYTES))
  const problems = new LastProblems()
  const threads = startThreads(settings, { layout, stats, logger, problems, crash })
  const state = new LiveState({
    layout,
    features,
    rows,
    threads: settings.workers + 1,
    ranksForMeanUser: settings.unknownUser === 'average',
    publish: (memory) => threads.publish(memory),
    onProblem: (message) => logger.warn(message),
    onFailure: (error) => crash(error, 'memory can no longer follow the store'),
    onSynced: (counts) => logger.info(counts, 'the store has been read'),
  })
  const progress: Progress = { phase: 'starting', models: undefined }
  const { unknownUser, unknownContext, candidatesMax } = settings
  const explanations = { userIds: layout.users.ids, unknownUser, unknownContext, candidatesMax }
  const parts = { store, threads, stats, state, explanations, progress, logger, problems, unknownContext }
  const services = liveServices(parts)
  const { apiKeys } = settings
  const app = buildApp({
    services,
    ...(apiKeys && { apiKeys }),
    ...(settings.console && { console: consolePage(settings) }),
    logger,
  })
  return { settings, logger, store, threads, state, services, app, progress, crashed }
}

function startThreads(
  settings: ServeSettings,
  given: {
    layout: StoreLayout
    stats: readonly SharedArrayBuffer[]
    logger: Logger
    problems: LastProblems
    crash: (error: Error, message: string) => void
  },
): ListeningThreads {
  const { host, allowedHosts, corsOrigins, workers, apiKeys } = settings
  const { unknownUser, unknownContext, candidatesMax, waitingMax } = settings
  const { layout, stats, logger, problems, crash } = given
  const bodyBytes = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * workers)
  return new ListeningThreads({
    threads: workers,
    config: (thread) => ({
      thread,
      host,
      allowedHosts,
      corsOrigins,
      unknownUser,
      unknownContext,
      candidatesMax,
      waitingMax,
      logsRequests: logger.isLevelEnabled('debug'),
      reusePort: workers > 1,
      stats: stats[thread - 1],
      bodyBytes,
      userIds: layout.users.ids,
      apiKeys: apiKeys?.entries ?? null,
    }),
    log: (line) => logRanking(logger, line),
    problems,
    onDeath: ({ thread, error, againInMs }) =>
      logger.error({ thread, againInMs, err: error }, 'a listening thread has ended'),
    onAgain: (thread) => logger.info({ thread }, 'a listening thread takes requests again'),
    onCrash: (error) => crash(error, 'a listening thread has ended'),
  })
}

function consolePage({ apiKeys, mapTiles, mapAttribution = '' }: ServeSettings): ConsolePage {
  return {
    hasKeys: apiKeys !== undefined,
    ...(mapTiles !== undefined && { mapTiles: { url: mapTiles, attribution: mapAttribution } }),
  }
}

function logRanking(logger: Logger, { what, ...rest }: ThreadLog): void {
  const told = { method: 'POST', route: '/recommend/:user_id', ...rest }
  if (what === 'request') logger.debug(told, 'request')
  else logger.error(told, 'request failed')
}

/** Listens first, so that the health page tells of the start, then reads the store and loads the model. */
async function makeReady(parts: Parts, files: ModelFiles): Promise<RunningServer> {
  const { settings, logger, store, threads, state, services, app, progress, crashed } = parts
  const { host, workers } = settings
  const orCrash = <T>(step: Promise<T>): Promise<T> => Promise.race([step, crashed])
  const port = await orCrash(threads.listen(settings.port, (request) => answerPassed(app, request, logger)))
  await orCrash(store.start(state))
  progress.models = await orCrash(ModelHost.start(settings.model, files, state, store.layout))
  await state.settled()
  progress.phase = 'ready'
  const { users, restaurants } = state.counts
  logger.info({ host, port, workers, users, restaurants }, 'ready')
  return {
    host,
    port,
    workers,
    users,
    restaurants,
    crashed,
    stop: () => stop(parts),
    reload: () => services.models.reload(),
  }
}

async function stop({ settings, logger, store, threads, app, progress }: Parts): Promise<void> {
  if (progress.phase === 'stopping') return
  progress.phase = 'stopping'
  logger.info('stopping: answering what has arrived')
  threads.drain()
  await delay(LAME_DUCK_MS)
  await threads.close(1000 * settings.drainSeconds)
  await store.close()
  await app.close()
  logger.info('stopped')
}
