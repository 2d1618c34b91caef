import { buildPlaceIndex } from '../../src/geo/placeIndex.ts'
import { type Network, sideRow, type StateDict } from '../../src/model/network.ts'
import type { RankerMemory } from '../../src/live/ranker.ts'
import { createLiveMemory, type LiveTables, openLiveTables } from '../../src/live/tables.ts'
import { LiveWriter } from '../../src/live/writer.ts'
import { PairScorer } from '../../src/ranking/pairScorer.ts'
import { createScoringMemory } from '../../src/ranking/scoringMemory.ts'
import type { IdKind } from '../../src/ids.ts'
import type { Side } from '../../src/features/featureSpec.ts'

export interface LiveWorldOptions {
  network: Network
  weights: StateDict
  ids?: IdKind // of both sides, @default 'integer'
  rowsMax?: Record<Side, number> // @default 100 of each
  threads?: number // @default 1; the writer is thread 0
  precomputeBytesMax?: number
}

/** All that is ranked from, and who writes it, as small as it can be. */
export interface LiveWorld {
  memory: RankerMemory
  tables: LiveTables
  writer: LiveWriter
  /** Builds the index of places anew: rankers made afterwards have it, and nothing has moved. */
  rebuildPlaces(): void
}

export function liveWorld(options: LiveWorldOptions): LiveWorld {
  const { network, weights, ids = 'integer', rowsMax = { users: 100, restaurants: 100 } } = options
  const shapes = {
    users: { ids, ...sideRow(network, 'users') },
    restaurants: { ids, ...sideRow(network, 'restaurants') },
  }
  const live = createLiveMemory(shapes, rowsMax)
  const tables = openLiveTables(live)
  const model = createScoringMemory({
    network,
    weights,
    restaurantsMax: rowsMax.restaurants,
    threads: options.threads ?? 1,
    ...(options.precomputeBytesMax === undefined ? {} : { precomputeBytesMax: options.precomputeBytesMax }),
  })
  let isMoved = new Set<number>()
  const world: LiveWorld = {
    memory: {
      live,
      model,
      places: placesOf(tables),
      userFeatures: [],
      moved: new SharedArrayBuffer(4 * (1 + rowsMax.restaurants)),
    },
    tables,
    writer: new LiveWriter(tables, {
      followers: new Set([new PairScorer(model, tables.restaurants.features)]),
      onMove: (row) => {
        if (isMoved.has(row)) return
        isMoved.add(row)
        const moved = new Int32Array(world.memory.moved)
        moved[isMoved.size] = row
        Atomics.store(moved, 0, isMoved.size)
      },
    }),
    rebuildPlaces: () => {
      isMoved = new Set()
      world.memory = {
        ...world.memory,
        places: placesOf(tables),
        moved: new SharedArrayBuffer(4 * (1 + rowsMax.restaurants)),
      }
    },
  }
  return world
}

function placesOf({ restaurants, vectors, degrees }: LiveTables): SharedArrayBuffer {
  const { rows } = restaurants.ids
  const isThere = (row: number) => !Number.isNaN(vectors[3 * row])
  return buildPlaceIndex(
    Float64Array.from({ length: rows }, (_, row) => (isThere(row) ? degrees[2 * row] : Number.NaN)),
    Float64Array.from({ length: rows }, (_, row) => degrees[2 * row + 1]),
  )
}
