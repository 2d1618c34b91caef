import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import type { DatasetOptions, Split, OpenOptions } from '../options.ts'
import { buildFolder } from '../pack/packFolder.ts'
import { removeStale, writeManifest } from '../pack/packManifest.ts'
import { whilePagesAreChecked } from '../parquet/checksums/checkPages.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import {
  clickNames,
  checkUnchanged,
  columnNames,
  dataFolder,
  fingerprintOf,
  keyOf,
  nameOf,
  packHome,
  replaySources,
  splitPaths,
  splitSources,
  type SourceFile,
} from '../sources.ts'
import { hasValidationPart, timePart } from '../parts.ts'
import type { Tables } from '../tables/readTables.ts'
import { clickSettings } from '../policies.ts'
import { type PackedRows, readRows, ROWS_FORMAT } from './readRows.ts'
import { droppedText, reasonsOf } from './droppedClicks.ts'
import { packRows } from './packRows.ts'
import { planRows } from './planRows.ts'
import { unusedColumns } from './rowsPlan.ts'
import type { PartPlan } from './timeParts.ts'
import { weightPlan } from './weightPlan.ts'

/** Opening a file whose columns are not those of another takes 1.7 ms. */
const FILES_SHOWN_EVERY = 64

/** Whether the dataset has any files of a split. */
export async function hasSplit(options: DatasetOptions, split: Split): Promise<boolean> {
  return (await splitPaths(options, await dataFolder(options), split)).length > 0
}

/**
 * The splits that a training run reads: the test clicks if there are any. Those that are asked for by name
 * must be there.
 * @throws NearrankError INPUT if no file is for validation, before the others have been packed.
 */
export async function splitsToTrain(options: DatasetOptions): Promise<Split[]> {
  const splits: Split[] = ['train']
  if (hasValidationPart(options)) {
    await splitSources(options, await dataFolder(options), 'validation')
    splits.push('validation')
  }
  if (options.testFiles !== undefined || (await hasSplit(options, 'test'))) splits.push('test')
  return splits
}

/** The names of all click files that a training run reads: packs that are sorted by group do not tell. */
export async function filesToTrain(
  options: DatasetOptions & Pick<OpenOptions, 'replayed'>,
): Promise<string[]> {
  const data = await dataFolder(options)
  const older = options.replayed ? await replaySources(options, data, options.replayed) : []
  const paths: string[] = []
  for (const split of await splitsToTrain(options)) paths.push(...(await splitPaths(options, data, split)))
  return [...older.map(({ name }) => name), ...paths.map((path) => nameOf(data, path))]
}

function filesText([{ name }, ...others]: readonly SourceFile[]): string {
  return others.length === 0
    ? name
    : `${name} and ${others.length} more file${others.length === 1 ? '' : 's'}`
}

/**
 * The clicks of a split, packed on first use and found again by a fingerprint of their sources.
 * @throws NearrankError INPUT naming file, column and row; DISK; DAMAGED; ABORTED.
 */
export async function openRows(
  options: DatasetOptions & OpenOptions,
  tables: Tables,
  split: Split,
): Promise<PackedRows> {
  const located = await locate(options, tables, split)
  const { home, sources, older, fingerprint, key, prefix, directory } = located
  const found = await readRows(directory, split)
  if (found) return found
  await withDuckDb(options, async (connection, connect) => {
    const part = partToPlan(options, split)
    const onFile = (done: number) => {
      const filesOpened = { done, total: sources.length }
      if (done % FILES_SHOWN_EVERY === 0)
        options.onProgress?.({ stage: split, rowsDone: 0, rowsTotal: 0, filesOpened })
    }
    const beside = await clickNames(options, await dataFolder(options))
    const what = {
      sources,
      beside,
      older,
      isLabelled: true,
      isWeighted: split !== 'test',
      ...(part && { part }),
    }
    const plan = await planRows(connection, options, tables, { ...what, onFile })
    const rowsTotal = plan.files.reduce((sum, file) => sum + file.rows, 0)
    const onRows = (rowsDone: number) => options.onProgress?.({ stage: split, rowsDone, rowsTotal })
    const onSorted = (rowsDone: number, total: number) =>
      options.onProgress?.({ stage: split, rowsDone, rowsTotal: total, isSorting: true })
    const other = await connect()
    await buildFolder(home, prefix + fingerprint, async (folder) => {
      const unused = unusedColumns(plan, options.timeColumn)
      const pages = {
        files: sources,
        isRead: (name: string) => !unused.includes(name),
        signal: options.signal,
      }
      const body = await whilePagesAreChecked(pages, (signal) =>
        packRows([connection, other], plan, { folder, signal, onRows, onSorted }),
      )
      if (body.rows === 0)
        throw new NearrankError(
          'INPUT',
          `Cannot use the ${split} clicks: no rows are left in ${filesText(sources)}, ${body.dropped} were dropped${body.dropped > 0 ? ` (${droppedText(reasonsOf(body))})` : '; write some, or name other files'}`,
        )
      for (const source of sources) await checkUnchanged(source)
      const columns = unused.length > 0 ? { unused } : {}
      await writeManifest(folder, { format: ROWS_FORMAT, fingerprint, key, ...body, ...columns })
    })
  })
  const made = await readRows(directory, split)
  if (!made) throw new NearrankError('INTERNAL', `the pack ${directory} is not where it was written`)
  await removeStale(home, prefix + fingerprint, prefix, key)
  return made
}

/** The packed clicks of a split, if they are packed as they are now. @throws NearrankError as `openRows`. */
export async function findRows(
  options: DatasetOptions & OpenOptions,
  tables: Tables,
  split: Split,
): Promise<PackedRows | undefined> {
  return readRows((await locate(options, tables, split)).directory, split)
}

async function locate(options: DatasetOptions & OpenOptions, tables: Tables, split: Split) {
  const data = await dataFolder(options)
  const home = packHome(options, data)
  const replay = split === 'train' ? options.replayed : undefined
  const older = replay ? await replaySources(options, data, replay) : []
  const sources = [...older, ...(await splitSources(options, data, split))]
  const weights = split === 'test' ? null : weightPlan(options)
  const { userId, restaurantId, click } = columnNames(options)
  const settings: unknown[] = [
    split,
    userId,
    restaurantId,
    click,
    options.onMissing ?? 'fail',
    ...clickSettings(options),
    ...contextSettings(options),
    ...(options.groupColumn === undefined ? [] : [{ group: options.groupColumn }]),
    ...(weights ? [{ weights }] : []),
    ...(options.grows ? [{ grows: true }] : []),
    ...(replay ? [{ replay: replay.share, older: older.length }] : []),
  ]
  const part = timePart(options, split)
  if (part) settings.push(part)
  const fingerprint = fingerprintOf(sources, ROWS_FORMAT, tables.fingerprint, settings)
  const key = keyOf(data, sources, tables.key, settings)
  const prefix = `rows-${split}-`
  return {
    home,
    sources,
    older: older.length,
    fingerprint,
    key,
    prefix,
    directory: join(home, prefix + fingerprint),
  }
}

/** Of training files that also have test or validation rows, these are looked for before packing begins. */
function partToPlan(options: DatasetOptions, split: Split): Pick<PartPlan, 'part' | 'others'> | undefined {
  const part = timePart(options, split)
  if (!part) return undefined
  const isShared = split === 'train' && options.validationFiles === undefined
  const others = isShared ? [timePart(options, 'validation'), timePart(options, 'test')] : []
  return { part, others: others.filter((other) => other !== null) }
}

/** What decides the context of the rows: the names of its columns, or its features where they are fitted. */
function contextSettings(options: DatasetOptions & OpenOptions) {
  const { contextFeatures: names, positionColumn: position, features, fitted } = options
  const { context, pairs } = fitted ?? { context: names }
  const isDeclared = features !== undefined && fitted === undefined
  const hasPosition = position !== undefined && fitted === undefined
  if ((context?.length ?? 0) + (pairs?.length ?? 0) === 0 && !isDeclared && !hasPosition) return []
  return [{ context, pairs, ...(isDeclared && { features }), ...(hasPosition && { position }) }]
}
