import { NearrankError } from '../../errors.ts'
import { type Side, SIDES, SINGULAR } from '../../features/featureSpec.ts'
import type { DatasetOptions, OpenProgress } from '../options.ts'
import { columnNames } from '../sources.ts'
import { boxOf } from './clickPlaces.ts'
import { compareSplits, learnedFeatures } from './compareSplits.ts'
import { inspectClicks, type InspectedClicks } from './inspectClicks.ts'
import { inspectTable, type InspectedTable } from './inspectTable.ts'
import { openClicks, openTable, type Source } from './openSources.ts'
import { pairChoices } from './pairChoices.ts'
import type { Reader } from './reader.ts'
import type { FeatureChoice, Found, InspectedColumn, InspectionWarning, TableFile } from './report.ts'

export interface FolderRun {
  data: string // the folder's real path
  onProgress: (progress: OpenProgress) => void
}

/** @throws NearrankError INPUT if neither feature table can be read; ABORTED. */
export async function inspectFolder(
  reader: Reader,
  options: DatasetOptions,
  { data, onProgress }: FolderRun,
): Promise<Found> {
  const names = columnNames(options)
  const warnings: InspectionWarning[] = []
  const warn = (warning: InspectionWarning) => {
    warnings.push(warning)
  }
  const progressOf =
    (stage: OpenProgress['stage'], { rows }: Source) =>
    (rowsDone: number) =>
      onProgress({ stage, rowsDone, rowsTotal: rows })

  const sources: Partial<Record<Side, Source>> = {}
  for (const side of SIDES) {
    const source = await openTable(reader, options, { data, side, warn })
    if (source) sources[side] = source
  }
  if (!sources.users && !sources.restaurants)
    throw new NearrankError(
      'INPUT',
      `Cannot inspect ${options.data}: ${warnings.map(({ message }) => message).join('; ')}`,
    )
  const tables: Partial<Record<Side, InspectedTable>> = {}
  for (const side of SIDES) {
    const source = sources[side]
    const named = side === 'users' ? options.userFeatures : options.restaurantFeatures
    if (source)
      tables[side] = await inspectTable(reader, source, {
        side,
        columns: names,
        named,
        warn,
        onRows: progressOf(side, source),
      })
  }
  const splits: { train?: InspectedClicks; test?: InspectedClicks } = {}
  for (const split of ['train', 'test'] as const) {
    const features = splits.train && learnedFeatures(splits.train.source)
    const source = await openClicks(reader, options, { data, split, warn, ...(features && { features }) })
    if (!source) continue
    if (splits.train)
      for (const warning of compareSplits(splits.train.source, source, names.click)) warn(warning)
    splits[split] = await inspectClicks(reader, source, {
      columns: names,
      tables: sources,
      box: boxOf(tables.restaurants?.columns ?? [], names),
      train: splits.train,
      warn,
      onRows: progressOf(split, source),
    })
  }
  for (const warning of await reader.pages.warnings()) warn(warning)
  const clicks = (splits.train ?? splits.test)?.columns ?? []
  return {
    data: options.data,
    files: {
      users: tableFile(sources.users),
      restaurants: tableFile(sources.restaurants),
      train: splits.train?.files ?? null,
      test: splits.test?.files ?? null,
    },
    columns: { users: tables.users?.columns ?? [], restaurants: tables.restaurants?.columns ?? [], clicks },
    ...choicesOf(tables, clicks, pairChoices(tables, { hasPlaces: splits.train?.hasPlaces ?? false })),
    warnings,
  }
}

function tableFile(source: Source | undefined): TableFile | null {
  if (!source) return null
  const { name, files, rows, bytes } = source
  return { name, files, rows, bytes }
}

/** The features by their names, and why the other columns are none. */
function choicesOf(
  tables: Partial<Record<Side, InspectedTable>>,
  clicks: readonly InspectedColumn[],
  pairs: ReturnType<typeof pairChoices>,
): Pick<Found, 'features' | 'leftOut'> {
  const features: [string, FeatureChoice][] = []
  const leftOut: [string, string][] = []
  for (const side of SIDES) {
    for (const { name, isId: _, ...choice } of tables[side]?.features ?? [])
      features.push([`${SINGULAR[side]}.${name}`, choice])
    for (const { name, leftOut: reason } of tables[side]?.columns ?? [])
      if (reason !== null) leftOut.push([`${SINGULAR[side]}.${name}`, reason])
  }
  for (const [name, choice] of pairs) features.push([`pair.${name}`, choice])
  for (const { name, role, leftOut: reason } of clicks)
    if (role === 'context')
      leftOut.push([`context.${name}`, reason ?? 'columns of the clicks are features only if they are named'])
  return { features: Object.fromEntries(features), leftOut: Object.fromEntries(leftOut) }
}
