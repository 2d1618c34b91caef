import type { DuckDBConnection } from '@duckdb/node-api'
import { declaredFeatures, declaredOf, type SourceDeclaration } from '../../features/declaration.ts'
import { type FeatureSpec, isPosition } from '../../features/featureSpec.ts'
import { grownPair } from '../../features/grow.ts'
import { pairsFor } from '../../features/pairs/pairsFor.ts'
import { uncounted } from '../../features/pairs/rate.ts'
import type { DatasetOptions, OpenOptions } from '../options.ts'
import { columnNamed, type ParquetFile, ParquetOpener, rowsOf } from '../parquet/parquetFile.ts'
import { checkMetadata, columnNames, type SourceFile, tableName } from '../sources.ts'
import { checkColumns, checkPositions, contextFeatures } from '../tables/featureColumns.ts'
import { growFeatures } from '../tables/growFeatures.ts'
import { keyWords } from '../tables/idColumn.ts'
import { IdIndex } from '../tables/idIndex.ts'
import { declaredPlaces, fittedPlaces, withPlaces } from '../tables/placeColumns.ts'
import { type FeatureTable, readKeys, readPlacelessKeys, type Tables } from '../tables/readTables.ts'
import { replayPlan } from './replay.ts'
import { checkClickFile, type RowsPlan } from './rowsPlan.ts'
import { type PartPlan, timeParts } from './timeParts.ts'
import { weightPlan } from './weightPlan.ts'

/** Files of clicks, and what is known of them. */
interface FilesToPlan {
  sources: readonly SourceFile[]
  older?: number // the first so many are only drawn from; default 0
  part?: Pick<PartPlan, 'part' | 'others'> // by time; absent: all rows
  beside?: readonly string[] // names of other click files, see ParquetOpener
  isLabelled: boolean
  isWeighted?: boolean // the rows count as the options say, @default false
  onFile?: (done: number) => void // files opened so far
}

/** Checks every file's columns before the first row is read. */
export async function planRows(
  connection: DuckDBConnection,
  options: DatasetOptions & OpenOptions,
  tables: Tables,
  { sources, beside, older = 0, part, isLabelled, isWeighted = false, onFile }: FilesToPlan,
): Promise<RowsPlan> {
  const columns = columnNames(options)
  const side = async (column: string, table: FeatureTable) => {
    const words = keyWords(table.idKey)
    const index = new IdIndex(await readKeys(table), words)
    const placelessKeys = await readPlacelessKeys(table)
    const placeless = placelessKeys.length === 0 ? null : new IdIndex(placelessKeys, words)
    return { column, table: tableName(options, table.side), key: table.idKey, index, placeless }
  }
  const { fitted, grows, contextFeatures: names = [], positionColumn: position } = options
  const declared = declaredOf(options.features, 'context')
  const onMissing = options.onMissing ?? 'fail'
  const opener = new ParquetOpener(
    connection,
    sources.map((source) => source.name),
    { ...(beside && { beside }), features: fitted?.context ?? declaredFeatures(declared) },
  )
  const whole: ParquetFile[] = []
  for (const source of sources) {
    checkMetadata(source, options)
    const read = await opener.open(source)
    const cells = fitted ? fittedPlaces(fitted.context ?? []) : declaredPlaces(read, declared)
    const placed = withPlaces(read, cells, [columns.latitude, columns.longitude])
    whole.push(grows ? placed : withPosition(placed, fitted?.context ?? []))
    onFile?.(whole.length)
  }
  const files = part ? await timeParts(connection, whole, { ...part, onMissing }) : whole
  const context = fitted
    ? grows && fitted.context
      ? await grownContext(connection, files.slice(older), fitted.context, declared)
      : fitted.context
    : await contextFeatures(connection, files, { names, position, declared, columns })
  const places = [columns.latitude, columns.longitude]
  const hasPlaces = files.every((file) =>
    places.every((name) => file.columns.some((one) => one.name === name)),
  )
  const features = {
    users: tables.users.features,
    restaurants: tables.restaurants.features,
    ...(context && { context }),
  }
  const wanted = { hasPlaces, declared: declaredOf(options.features, 'pairs') }
  const known = (fitted?.pairs ?? []).map((pair) => (grows ? grownPair(pair, features) : pair))
  const pairs = !fitted ? pairsFor(features, wanted) : grows ? known.map(uncounted) : known
  const needsPlaces = pairs.some(({ kind }) => kind === 'distance')
  const plan = {
    tables,
    context: context ?? [],
    pairs: { features: pairs, counted: grows ? known : [], places: needsPlaces ? places : [] },
    user: await side(columns.userId, tables.users),
    restaurant: await side(columns.restaurantId, tables.restaurants),
    isLabelled,
    clickColumn: columns.click,
    clickThreshold: options.clickThreshold,
    group: isLabelled ? (options.groupColumn ?? null) : null,
    weights: isWeighted ? weightPlan(options) : null,
    onMissing,
    replay: replayPlan(files, {
      older,
      share: options.replayed?.share ?? 0,
      group: options.groupColumn ?? null,
    }),
  }
  for (const file of files) checkClickFile(file, plan)
  return { files, ...plan }
}

/** A file as if it told the position of its rows, which nobody needs who only scores them. */
function withPosition(file: ParquetFile, context: readonly FeatureSpec[]): ParquetFile {
  const position = context.find(isPosition)
  if (!position || file.columns.some(({ name }) => name === position.name)) return file
  return {
    ...file,
    columns: [...file.columns, { name: position.name, type: 'VARCHAR', sql: 'NULL::VARCHAR' }],
  }
}

/** The context of a model, grown by the new clicks. */
async function grownContext(
  connection: DuckDBConnection,
  files: readonly ParquetFile[],
  fitted: readonly FeatureSpec[],
  declared: SourceDeclaration,
): Promise<FeatureSpec[]> {
  for (const file of files) checkColumns(file, fitted)
  const columns = fitted.map(({ name }) => columnNamed(files[0], name))
  const grown = await growFeatures(connection, rowsOf(files, columns), fitted, declared)
  for (const feature of grown) if (isPosition(feature)) checkPositions(files[0], feature)
  return grown
}
