import { GROUP_RUNS_BYTES } from '../../dataset/clicks/groupRuns.ts'
import { pairTableBytes } from '../../dataset/clicks/packPairs.ts'
import type { DatasetOptions, OpenOptions } from '../../dataset/options.ts'
import type { Tables } from '../../dataset/tables/readTables.ts'
import { type DeclaredPair, declaredOf, declaredPair } from '../../features/declaration.ts'
import { inferPairs } from '../../features/pairs/pairsFor.ts'

/** What packing holds for groups and of the tables for pairs, as far as it is known before the clicks are. */
export function packTableBytes(
  tables: Tables,
  options: DatasetOptions & Pick<OpenOptions, 'fitted'>,
): number {
  const pairs = options.fitted ? (options.fitted.pairs ?? []) : pairsOf(tables, options)
  return pairTableBytes(pairs, tables) + (options.groupColumn === undefined ? 0 : GROUP_RUNS_BYTES)
}

function pairsOf({ users, restaurants }: Tables, options: DatasetOptions): DeclaredPair[] {
  const declared = declaredOf(options.features, 'pairs')
  const features = { users: users.features, restaurants: restaurants.features }
  return [
    ...inferPairs(features, { hasPlaces: false }).filter(({ name }) => !declared.has(name)),
    ...Array.from(declared).flatMap(([name, entry]) => (entry === false ? [] : [declaredPair(name, entry)])),
  ]
}
