import type { DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import type { ColumnChunk } from '../parquet/columnStream.ts'
import { sqlName } from '../parquet/duckdb.ts'
import { columnNamed, type ParquetColumn, type ParquetFile } from '../parquet/parquetFile.ts'
import { holdsStrings, type IdKey, idKeySql, mayExceedKey } from '../tables/idColumn.ts'
import { checkColumns, checkNumeric } from '../tables/featureColumns.ts'
import { columnsFor } from '../tables/placeColumns.ts'
import type { IdIndex } from '../tables/idIndex.ts'
import { checkWeights, type WeightPlan, weightSql } from './weightPlan.ts'
import { valueSql } from '../tables/valueTypes.ts'
import type { Tables } from '../tables/readTables.ts'
import { checkLabels, clickSql, type LabelPlan } from './labels.ts'
import type { ReplayPlan } from './replay.ts'

/** One side of a click: how its ids are compared, and with what. */
export interface ClickSide {
  column: string
  table: string // name of the feature table, for messages
  key: IdKey
  index: IdIndex
  placeless: IdIndex | null // of the restaurants that were left out for their places
}

/** The features of pairs, and the columns of the clicks that say where the user was. */
export interface PairPlan {
  features: readonly PairFeature[]
  counted: readonly PairFeature[] // the same as a model has them, if their rates go on from its counts
  places: readonly string[] // latitude and longitude; none if no feature needs them
}

/** What to read of click files, and what to make of it. */
export interface RowsPlan extends LabelPlan {
  files: ParquetFile[]
  isLabelled: boolean // false: labels are not read, and count as 0
  user: ClickSide
  restaurant: ClickSide
  context: FeatureSpec[] // of the clicks themselves
  pairs: PairPlan
  tables: Tables
  group: string | null // column of what was shown together; null: the rows are in no groups
  weights: WeightPlan | null // null: each row counts once
  onMissing: 'fail' | 'drop'
  replay: ReplayPlan
}

/** The columns of the first file that nothing reads, in their order. `timeColumn`: what splits the clicks. */
export function unusedColumns(plan: RowsPlan, timeColumn: string | undefined): string[] {
  const { user, restaurant, clickColumn, context, pairs, group, weights } = plan
  const used = new Set<string | null | undefined>([user.column, restaurant.column, clickColumn, timeColumn])
  for (const name of [...columnsFor(context), ...pairs.places, group, weights?.weight, weights?.propensity])
    used.add(name)
  return plan.files[0].columns.map(({ name }) => name).filter((name) => !used.has(name))
}

/** One side of a chunk of clicks. */
export interface IdVectors {
  keys: DuckDBVector
  isNull: DuckDBVector | undefined // booleans; undefined: where the key is null, the id is
}

/** A chunk of clicks, by what its columns mean. */
export interface ClickVectors {
  users: IdVectors
  restaurants: IdVectors
  clicks: DuckDBVector // see clickSql
  context: DuckDBVector[] // of each feature
  places: DuckDBVector[] // latitude and longitude; none if no pair needs them
  groups: DuckDBVector | undefined // u64 keys, uniform in all bits; undefined: there are no groups
  weights: DuckDBVector | undefined // see weightSql; undefined: each row counts once
}

/** Checks the columns of a click file; reads nothing but metadata. */
export function checkClickFile(file: ParquetFile, plan: Omit<RowsPlan, 'files'>): void {
  for (const { column, key } of [plan.user, plan.restaurant]) {
    const type = holdsStrings(file, columnNamed(file, column)) ? 'string' : 'integer'
    const wanted = key === 'MD5' ? 'string' : 'integer'
    if (type !== wanted)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${file.name}: column ${column} must hold ${wanted}s as the feature table does, found ${type}s`,
      )
  }
  if (plan.isLabelled) checkLabels(file, plan)
  checkColumns(file, plan.context)
  for (const column of plan.pairs.places) checkNumeric(file, column)
  if (plan.group !== null) checkGroups(file, plan.group)
  if (plan.weights) checkWeights(file, plan.weights)
}

function checkGroups(file: ParquetFile, name: string): void {
  const { type } = columnNamed(file, name)
  if (!/\[|^(STRUCT|MAP|UNION)\b/.test(type)) return
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${name} must hold the id of a group, such as a request or a session, found ${type}`,
  )
}

/** The same for the same group in every file: DuckDB hashes integers of any width alike, but not times. */
function groupKeySql({ name, type }: ParquetColumn): string {
  const column = sqlName(name)
  const value = /^(UUID|DATE|TIME)/.test(type) ? `${column}::VARCHAR` : column
  return `CASE WHEN ${column} IS NOT NULL THEN hash(${value}) END`
}

/** What to select from a file, and how to find it in a chunk. */
export function clickColumns(
  plan: RowsPlan,
  file: ParquetFile,
): { expressions: string[]; vectorsOf: (chunk: ColumnChunk) => ClickVectors } {
  const { user, restaurant } = plan
  // Those of which a null key does not yet tell that the id is null.
  const sides = [user, restaurant].filter(({ column, key }) => mayExceedKey(columnNamed(file, column), key))
  const group = plan.group === null ? [] : [plan.group]
  const [userAt, restaurantAt] = [user, restaurant].map((side) => sides.indexOf(side))
  return {
    expressions: [
      idKeySql(user.column, user.key),
      idKeySql(restaurant.column, restaurant.key),
      plan.isLabelled ? clickSql(file, plan) : '0::UTINYINT',
      ...plan.context.map(({ name, kind }) => valueSql(columnNamed(file, name), kind)),
      ...plan.pairs.places.map((name) => `coalesce(TRY_CAST(${sqlName(name)} AS DOUBLE), 'nan'::DOUBLE)`),
      ...sides.map(({ column }) => `${sqlName(column)} IS NULL`),
      ...group.map((name) => groupKeySql(columnNamed(file, name))),
      ...(plan.weights ? [weightSql(plan.weights)] : []),
    ],
    vectorsOf: ({ columns: [users, restaurants, clicks, ...others] }) => {
      const [contextEnd, placesEnd] = [plan.context.length, plan.context.length + plan.pairs.places.length]
      const context = others.slice(0, contextEnd)
      const places = others.slice(contextEnd, placesEnd)
      const sidesEnd = placesEnd + sides.length
      const groupEnd = sidesEnd + group.length
      const isNull = others.slice(placesEnd, sidesEnd)
      return {
        users: { keys: users, isNull: isNull[userAt] },
        restaurants: { keys: restaurants, isNull: isNull[restaurantAt] },
        clicks,
        context,
        places,
        groups: others.slice(sidesEnd, groupEnd)[0],
        weights: others[groupEnd],
      }
    },
  }
}
