import type { Logger } from 'pino'
import { messageOf } from '../errors.ts'
import type { LiveState } from '../live/state.ts'
import type { UnknownContext } from '../ranking/unknownContext.ts'
import type { FeatureStore } from '../store/featureStore.ts'
import { type ExplanationOptions, Explanations } from './explanations.ts'
import { healthOf, type Phase } from './health.ts'
import { Metrics } from './metrics.ts'
import type { ModelHost } from './modelHost.ts'
import type { LastProblems } from './problems/lastProblems.ts'
import { Problem } from './problems/problems.ts'
import type { Health, ServedModel, Services } from './services.ts'
import type { ListeningThreads } from './threads/listeningThreads.ts'
import { ThreadStats } from './threads/threadStats.ts'

/** How far a server has come. */
export interface Progress {
  phase: Phase
  models: ModelHost | undefined // from the first model on
}

export interface LiveParts {
  store: FeatureStore
  threads: ListeningThreads
  stats: readonly SharedArrayBuffer[] // of each listening thread
  state: LiveState
  explanations: ExplanationOptions
  progress: Progress
  logger: Logger
  problems: LastProblems
  unknownContext: UnknownContext
}

/** What the routes need, from the parts of a server that runs or is starting. */
export function liveServices(parts: LiveParts): Services {
  const { store, threads, stats, state, progress, logger, problems, unknownContext } = parts
  const health = (): Health =>
    healthOf({
      phase: progress.phase,
      store: store.status(),
      model: progress.models?.current() ?? null,
      rows: state.counts,
      listeningThreads: threads.ready,
      threads: stats.length,
    })
  const metrics = new Metrics(
    stats.map((memory) => new ThreadStats(memory)),
    health,
  )
  return {
    features: {
      layout: store.layout,
      unknownContext,
      read: (side, id) => state.read(side, id),
      sample: (side, count) => state.sample(side, count),
      features: () => state.features,
      problem: (side, values) => state.problem(side, values),
      write: async (changes) => {
        await store.write(changes)
        await state.settled()
      },
    },
    models: {
      current: () => modelsOf(progress).current(),
      reports: async () => modelsOf(progress).reports(),
      reload: () => changeModel(progress, 'reload', logger),
      rollback: () => changeModel(progress, 'rollback', logger),
    },
    explanations: new Explanations(state, parts.explanations),
    health,
    metrics: () => metrics.render(),
    problems,
  }
}

async function changeModel(
  progress: Progress,
  how: 'reload' | 'rollback',
  logger: Logger,
): Promise<ServedModel> {
  try {
    const served = await modelsOf(progress)[how]()
    logger.info({ version: served.version, checksum: served.checksum }, `model ${how}`)
    return served
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, `model ${how} refused: the old one stays`)
    throw error
  }
}

function modelsOf({ models }: Progress): ModelHost {
  if (!models)
    throw new Problem('NOT_READY', 'Cannot describe the model yet: features are still being loaded')
  return models
}
