import type { Side } from '../../src/features/featureSpec.ts'
import { CrewLead } from '../../src/training/crew/crewLead.ts'
import { SUM_COUNT, SUMS } from '../../src/training/crew/protocol.ts'
import { initialState } from '../../src/model/initialize.ts'
import { parametersToState } from '../../src/model/parameters.ts'
import type { Network, StateDict } from '../../src/model/network.ts'
import type { Simd } from '../../src/kernels/kernels.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'
import type { TrainSettings } from '../../src/training/types.ts'

/** Rows as they are: features [rows, user + restaurant features], clicks [rows]. */
export interface Batch {
  features: Float32Array
  codes?: readonly (readonly (readonly number[])[])[] // of each embedding, those of each row
  clicks: ArrayLike<number>
  weights?: ArrayLike<number> // of each row; if one batch has them, all have
}

export interface HarnessOptions {
  network: Network
  batches: Batch[] // row i of each has user i and restaurant i of its own
  initial?: StateDict
  settings?: Partial<TrainSettings>
  simd?: Simd
  threads?: number
}

/** A crew on rows that a test made up: no files, every batch by itself. */
export class CrewHarness {
  readonly lead: CrewLead
  readonly #batches: { firstRow: number; batch: Batch }[] = []

  constructor(options: HarnessOptions) {
    const { network, batches, simd = 'relaxed', threads = 2 } = options
    const rows = batches.reduce((sum, batch) => sum + batch.clicks.length, 0)
    const batchSize = Math.max(...batches.map((batch) => batch.clicks.length))
    const settings: TrainSettings = {
      ...PRESETS.reference,
      hidden: network.hidden,
      activations: network.activations,
      batchSize,
      ...options.settings,
    }
    const given = batches.flatMap((batch) => Array.from(batch.weights ?? []))
    const mean = given.reduce((sum, weight) => sum + weight, 0) / rows
    const shape = {
      network,
      users: rows,
      restaurants: rows,
      batchSize,
      threads,
      purpose: 'train' as const,
      weights: given.length > 0,
    }
    const weights = given.length > 0 ? { rows: mean, clicks: NaN } : null
    this.lead = new CrewLead({ shape, simd, settings, weights, steps: 1000 })
    const { users, restaurants } = this.lead.arena.tables
    const userTable = this.lead.floats(users.at, rows * users.stride)
    const restaurantTable = this.lead.floats(restaurants.at, rows * restaurants.stride)
    const width = network.userFeatures + network.restaurantFeatures
    let row = 0
    for (const batch of batches) {
      this.#batches.push({ firstRow: row, batch })
      for (let i = 0; i < batch.clicks.length; i++, row++) {
        const x = batch.features.subarray(i * width, (i + 1) * width)
        userTable.set(x.subarray(0, network.userFeatures), row * users.stride)
        restaurantTable.set(x.subarray(network.userFeatures), row * restaurants.stride)
        for (const [embedding, codes] of (batch.codes ?? []).entries())
          this.#setCodes(embedding, row, codes[i])
      }
    }
    this.lead.setWeights(options.initial ?? initialState(network, 1))
  }

  #setCodes(embedding: number, row: number, codes: readonly number[]): void {
    const { layout, tables } = this.lead.arena
    const { table, word } = layout.embeddings[embedding]
    const { at, stride } = tables[table.side as Side]
    new Uint32Array(this.lead.memory.buffer, at + 4 * (row * stride + word), table.slots).set(codes)
  }

  /** One step on batch `index`; returns its mean loss. */
  async step(index: number): Promise<number> {
    const { lead } = this
    const { firstRow, batch } = this.#batches[index]
    const rows = batch.clicks.length
    await lead.run({ type: 'fold' })
    await lead.run({ type: 'train' }, async () => {
      const { users, restaurants, clicks, weights } = lead.chunk(0).rows
      if (weights) weights.set(batch.weights!)
      for (let i = 0; i < rows; i++) {
        users[i] = firstRow + i
        restaurants[i] = firstRow + i
        clicks[i] = batch.clicks[i]
      }
      lead.publish(0, rows)
      lead.publish(1, -1)
    })
    return new Float64Array(lead.memory.buffer, lead.arena.control.sums, SUM_COUNT)[SUMS.batchLoss] / rows
  }

  get parameters(): StateDict {
    return parametersToState(this.lead.arena.layout, this.lead.trained().parameters)
  }

  /** Of the last step. */
  get gradients(): StateDict {
    const { layout, parameters } = this.lead.arena
    return parametersToState(layout, this.lead.floats(parameters.gradients, layout.size))
  }

  async close(): Promise<void> {
    await this.lead.close()
  }
}

/** ‖found − wanted‖ / ‖wanted‖ over one tensor. */
export function relativeError(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let difference = 0
  let norm = 0
  for (let i = 0; i < wanted.length; i++) {
    difference += (found[i] - wanted[i]) ** 2
    norm += wanted[i] ** 2
  }
  return Math.sqrt(difference / norm)
}
