import type { FeatureId } from '../../src/ids.ts'
import { type FeaturesOf, numberFeatures, type Side } from '../../src/features/featureSpec.ts'
import { ValuesEncoder } from '../../src/features/valuesEncoder.ts'
import type { ModelDescription } from '../../src/model/modelFile.ts'
import type { Change, StoreLayout } from '../../src/store/featureStore.ts'
import { LastProblems } from '../../src/server/problems/lastProblems.ts'
import type { Health, ServedModel, Services } from '../../src/server/services.ts'
import { modelContent, SMALL_NETWORK } from '../model/modelFixtures.ts'

export const LAYOUT: StoreLayout = {
  users: { features: 3, ids: 'integer' },
  restaurants: { features: 2, ids: 'integer' },
}

const FEATURES: FeaturesOf = {
  users: numberFeatures(['a', 'b', 'c']),
  restaurants: numberFeatures(['x', 'y']),
}

export const MODEL: ServedModel = {
  version: 1,
  path: 'model',
  checksum: 'abc',
  createdAt: '2026-01-02T03:04:05.000Z',
  loadedAt: '2026-01-02T03:04:06.000Z',
}

const FILE = { sha256: 'abc', bytes: 1 }
export const DESCRIPTION: ModelDescription = {
  ...modelContent(SMALL_NETWORK, 1),
  formatVersion: 1,
  weights: { ...FILE, file: 'weights.safetensors' },
  onnx: { ...FILE, file: 'model.onnx' },
}

export interface FakeServices extends Services {
  rows: Map<string, Exclude<Change, { deleted: true }>>
  written: Change[]
  /** What the next call that can fail throws. */
  failure: Error | undefined
  state: Health
  keyOf(side: Side, id: FeatureId): string
}

/** Services that keep rows in a Map and fail when told to. */
export function fakeServices(layout: StoreLayout = LAYOUT, features: FeaturesOf = FEATURES): FakeServices {
  const keyOf = (side: Side, id: FeatureId) => `${side} ${typeof id} ${id}`
  const fake: FakeServices = {
    problems: new LastProblems(),
    rows: new Map(),
    written: [],
    failure: undefined,
    keyOf,
    state: {
      ready: true,
      reasons: [],
      store: { kind: 'sqlite', connected: true, synced: true, lagMs: 0 },
      model: MODEL,
      users: 1,
      restaurants: 2,
      listeningThreads: 3,
    },
    features: {
      layout,
      unknownContext: 'fail',
      features: () => features,
      problem: (side, values) => {
        const encoded = new ValuesEncoder(features[side]).encode(values, 0)
        return typeof encoded === 'string' ? encoded : undefined
      },
      sample: (side, count) => [...fake.rows.values()].filter((row) => row.side === side).slice(0, count),
      read: (side, id) => fake.rows.get(keyOf(side, id)),
      write: async (changes) => {
        failIfTold()
        for (const change of changes) {
          fake.written.push(change)
          if ('deleted' in change) fake.rows.delete(keyOf(change.side, change.id))
          else fake.rows.set(keyOf(change.side, change.id), change)
        }
      },
    },
    models: {
      current: () => MODEL,
      reports: async () => {
        failIfTold()
        return { current: DESCRIPTION, previous: null, folder: 'Cannot load a model from model: x' }
      },
      reload: async () => {
        failIfTold()
        return { ...MODEL, version: 2 }
      },
      rollback: async () => {
        failIfTold()
        return MODEL
      },
    },
    explanations: {
      candidatesMax: 1000,
      explain: async () => {
        failIfTold()
        return { restaurants: [], isAverage: false }
      },
    },
    health: () => fake.state,
    metrics: async () => {
      failIfTold()
      return '# HELP nearrank_requests_total Requests.\n'
    },
  }
  function failIfTold() {
    const { failure } = fake
    fake.failure = undefined
    if (failure) throw failure
  }
  return fake
}
