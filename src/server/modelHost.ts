import { messageOf, NearrankError } from '../errors.ts'
import { fitProblem } from '../features/fitProblem.ts'
import { loadModelDescription, loadModelFiles } from '../model/modelDirectory.ts'
import { modelFeatures } from '../model/modelFeatures.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { StateDict } from '../model/network.ts'
import type { StoreLayout } from '../store/featureStore.ts'
import { sideFor, valuesProblem, vectorsOf } from '../store/layout.ts'
import { goldenCheck } from '../live/goldenCheck.ts'
import type { LiveState } from '../live/state.ts'
import { sampleIds } from '../live/tables.ts'
import type { ModelReports, ModelService, ServedModel } from './services.ts'

const GOLDEN_USERS = 16
const GOLDEN_RESTAURANTS = 64

export interface ModelFiles {
  description: ModelDescription
  weights: StateDict
}

interface Served {
  told: ServedModel
  files: ModelFiles
}

/** Which model is served: loads, checks and swaps it, and remembers the one before. */
export class ModelHost implements ModelService {
  readonly #path: string
  readonly #layout: StoreLayout
  readonly #state: LiveState
  #served: Served
  #before: Served | undefined
  #isBusy = false

  /** Serves the first model. */
  static async start(
    path: string,
    files: ModelFiles,
    state: LiveState,
    layout: StoreLayout,
  ): Promise<ModelHost> {
    const host = new ModelHost(path, files, state, layout)
    await host.#serve(files)
    return host
  }

  private constructor(path: string, files: ModelFiles, state: LiveState, layout: StoreLayout) {
    this.#path = path
    this.#layout = layout
    this.#state = state
    this.#served = { told: tell(path, files.description, 1), files }
  }

  current(): ServedModel {
    return this.#served.told
  }

  async reports(): Promise<ModelReports> {
    const [current, previous] = [this.#served, this.#before]
    const folder = await loadModelDescription(this.#path).catch(messageOf)
    return { current: current.files.description, previous: previous?.files.description ?? null, folder }
  }

  reload(): Promise<ServedModel> {
    return this.#alone(async () => {
      const files = await loadModelFiles(this.#path)
      this.#checkFits(files.description)
      return this.#swap(files)
    })
  }

  rollback(): Promise<ServedModel> {
    return this.#alone(async () => {
      if (!this.#before) throw new NearrankError('CONFLICT', 'Cannot roll back: there is no previous model')
      return this.#swap(this.#before.files)
    })
  }

  async #swap(files: ModelFiles): Promise<ServedModel> {
    await this.#serve(files)
    // A folder that is loaded again as it was must not take the place of what a rollback returns to.
    const isAnother = files.description.weights.sha256 !== this.#served.told.checksum
    if (isAnother) this.#before = this.#served
    this.#served = { told: tell(this.#path, files.description, this.#served.told.version + 1), files }
    return this.#served.told
  }

  #serve({ description, weights }: ModelFiles): Promise<void> {
    const { network, scores } = description
    const model = { features: modelFeatures(description), network, weights, scores }
    return this.#state.setModel(model, (tables, scorer) =>
      goldenCheck(model, tables, {
        scorer,
        users: sampleIds(tables.users, GOLDEN_USERS),
        restaurants: sampleIds(tables.restaurants, GOLDEN_RESTAURANTS),
      }),
    )
  }

  /** A model takes the features that are stored. */
  #checkFits(description: ModelDescription): void {
    const { users, restaurants } = modelFeatures(description)
    const wanted = { users: sideFor(users), restaurants: sideFor(restaurants) }
    const lacking = valuesProblem(this.#layout, wanted)
    if (lacking !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot serve the model: the store ${lacking}; put a model with the right features there, or fill another store with nearrank load --model`,
      )
    const problem = fitProblem({
      wanted: vectorsOf(this.#layout, this.#layout),
      found: vectorsOf(wanted, this.#layout),
    })
    if (problem !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot serve the model: ${problem}; put a model with the right features there`,
      )
  }

  async #alone(work: () => Promise<ServedModel>): Promise<ServedModel> {
    if (this.#isBusy)
      throw new NearrankError('CONFLICT', 'Cannot change the model: another change is running')
    this.#isBusy = true
    try {
      return await work()
    } finally {
      this.#isBusy = false
    }
  }
}

function tell(path: string, description: ModelDescription, version: number): ServedModel {
  const { madeAt } = description.training as { madeAt?: unknown }
  return {
    version,
    path,
    checksum: description.weights.sha256,
    createdAt: typeof madeAt === 'string' ? madeAt : '',
    loadedAt: new Date().toISOString(),
  }
}
