import { availableParallelism } from 'node:os'
import { dataOfModel, tablesProblem } from '../../dataset/dataOfModel.ts'
import { openTablesApart } from '../../dataset/openApart.ts'
import type { DatasetOptionsReading, OpenProgress } from '../../dataset/options.ts'
import { checkAborted } from '../../dataset/scores/checkAborted.ts'
import {
  fillFolder,
  type ScoreEvent,
  type ScoreReport,
  withScoreFolder,
} from '../../dataset/scores/scoreRun.ts'
import { ScoreWriter } from '../../dataset/scores/scoreWriter.ts'
import type { Spool } from '../../dataset/scores/spool.ts'
import { type UserBatch, type UsersToRank, withUsersToRank } from '../../dataset/scores/usersToRank.ts'
import { LINE_WIDTH, LINE_WORDS, ListWriter } from '../../dataset/scores/writeLists.ts'
import { columnNames } from '../../dataset/sources.ts'
import { readIds, type Tables } from '../../dataset/tables/readTables.ts'
import { NearrankError } from '../../errors.ts'
import { type FeatureSpec, toldFeatures } from '../../features/featureSpec.ts'
import { widthOf } from '../../features/rowShape.ts'
import { loadModelFiles } from '../../model/modelDirectory.ts'
import { modelFeatures } from '../../model/modelFeatures.ts'
import { CALLBACKS, checkOptions } from '../../options/checkOptions.ts'
import type { OptionValues } from '../../options/option.ts'
import { ContextEncoder } from '../contextEncoder.ts'
import { TopCrew } from './topCrew.ts'
import { openTopMemory } from './topMemory.ts'
import { TOP, TOP_OPTIONS, type TOP_USERS } from './topOptions.ts'
import type { TopLists, UsersBatch } from './topRanker.ts'

export interface ScoreTopOptions
  extends DatasetOptionsReading<never>,
    Partial<OptionValues<Omit<typeof TOP, 'top'>>>,
    Partial<OptionValues<typeof TOP_USERS>> {
  /** Model directory. */
  model: string
  /** Folder of the lists; a run that was interrupted continues there. */
  out: string
  /** Replace the scores that `out` holds; default false. */
  overwrite?: boolean
  /** How many restaurants a list holds at most. */
  top: number
  signal?: AbortSignal
  onProgress?: (event: ScoreEvent) => void
}

const BATCH_USERS = 256 // that a thread ranks for at a time

/**
 * Ranks all restaurants for each row of some files of users, by default those of the users' table, on all
 * threads, and writes the best of each as Parquet: user, rank, restaurant, score and distance. Each file
 * gives one of the same name in `out`. Files that are complete already are skipped. Columns are the model's
 * unless `options` names others. Cost: for each row, that of a request to the server.
 * @throws NearrankError USAGE, INPUT, DAMAGED, DISK, NOT_FINITE, ABORTED.
 */
export async function scoreTop(options: ScoreTopOptions): Promise<ScoreReport> {
  checkOptions({ ...TOP_OPTIONS, ...CALLBACKS }, options, 'scoreTop')
  const { model, out, top, overwrite = false, near = TOP.near.default, signal } = options
  const { maxDistM = TOP.maxDistM.default, placeColumns } = options
  if (!near && (options.maxDistM !== undefined || placeColumns !== undefined))
    throw new NearrankError(
      'USAGE',
      'Cannot use maxDistM or placeColumns (--max-dist, --place-columns) without near (--near): without it, restaurants count wherever they are',
    )
  if (placeColumns && placeColumns.length !== 2)
    throw new NearrankError(
      'USAGE',
      `Cannot use placeColumns (--place-columns): it must be the names of two columns, of latitude and longitude, found ${placeColumns.length}`,
    )
  const started = performance.now()
  const loaded = await loadModelFiles(model)
  const { description } = loaded
  const data = {
    ...dataOfModel(description, options),
    onProgress: (progress: OpenProgress) => options.onProgress?.({ type: 'pack', ...progress }),
  }
  const { tables } = await openTablesApart(data)
  const problem = tablesProblem(description, tables)
  if (problem !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot use the data in ${options.data} with the model ${model}: ${problem}; choose other columns`,
    )
  const { latitude, longitude } = columnNames(data)
  const places = near ? ([placeColumns?.[0] ?? latitude, placeColumns?.[1] ?? longitude] as const) : null
  const features = modelFeatures(description).context ?? []
  const context = toldFeatures(features)
  return withUsersToRank({ ...data, files: options.files, places, context }, tables, async (users) => {
    const reach = places ? `within ${maxDistM} m of ${places.join(', ')}` : 'wherever they are'
    const origin = {
      model: description.weights.sha256,
      tables: tables.fingerprint,
      options: `top ${top}, ${reach}; on missing: ${options.onMissing ?? 'fail'}`,
    }
    const report = await withScoreFolder({ out, origin, overwrite }, (folder) =>
      fillFolder(folder, users.files, async (files) => {
        const threads = options.threads ?? availableParallelism()
        const memory = await openTopMemory(loaded, tables, { threads, top, near: near ? { maxDistM } : null })
        const crew = new TopCrew(memory, threads)
        try {
          const run = { tables, features, columns: columnNames(data), signal, onProgress: options.onProgress }
          await rankFiles(crew, { ...users, files }, new ScoreWriter(folder), run)
        } finally {
          await crew.close()
        }
      }),
    )
    return { ...report, seconds: (performance.now() - started) / 1000 }
  })
}

interface Run {
  tables: Tables
  features: readonly FeatureSpec[] // of the context
  columns: { userId: string; restaurantId: string }
  signal: AbortSignal | undefined
  onProgress: ScoreTopOptions['onProgress']
}

async function rankFiles(
  crew: TopCrew,
  { files, batchesOf }: UsersToRank,
  writer: ScoreWriter,
  { tables, features, columns, signal, onProgress }: Run,
): Promise<void> {
  const lists = await ListWriter.open(tables, columns)
  const encoder = new BatchEncoder(features)
  const rowsTotal = files.reduce((sum, { file }) => sum + file.rows, 0)
  let rowsDone = 0
  let dropped = 0
  for (const of of files)
    await writer.add(of, async (spool) => {
      const asked: { batch: UsersBatch; lists: Promise<TopLists> }[] = []
      let lines = 0
      let droppedHere = 0
      const takeOne = async () => {
        const [first] = asked.splice(0, 1)
        const found = await first.lists
        if (found.notFinite) throw await notFinite(tables, found.notFinite)
        lines += spoolLists(spool, first.batch, found)
        checkAborted(signal)
        writer.check()
      }
      for await (const read of batchesOf(of)) {
        droppedHere += read.read - read.users.length
        for (let start = 0; start < read.users.length; start += BATCH_USERS) {
          if (asked.length === crew.batchesMax) await takeOne()
          const batch = encoder.encode(read, start, Math.min(read.users.length, start + BATCH_USERS))
          asked.push({ batch, lists: crew.rank(batch) })
        }
        rowsDone += read.read
        onProgress?.({ type: 'score', rowsDone, rowsTotal })
      }
      while (asked.length > 0) await takeOne()
      dropped += droppedHere
      const write = (path: string) => lists.write(path, spool, lines, signal)
      return { rows: lines, dropped: droppedHere, write }
    })
  await writer.end()
  if (dropped > 0)
    onProgress?.({
      type: 'note',
      message: `Some rows were left out, as the options say: ${dropped} without features of the user or without a place.`,
    })
}

/** Encodes what the rows tell of themselves. Times that they do not tell are those of the run. */
class BatchEncoder {
  readonly #encoder: ContextEncoder
  readonly #words: number
  readonly #nowMs = Date.now()

  constructor(features: readonly FeatureSpec[]) {
    this.#encoder = new ContextEncoder(features)
    this.#words = widthOf(features)
  }

  encode({ users, latitude, longitude, contexts }: UserBatch, start: number, end: number): UsersBatch {
    const encoded = new Float32Array((end - start) * this.#words)
    for (let i = start; this.#words > 0 && i < end; i++) {
      const hasPlace = !Number.isNaN(latitude[i])
      const place = hasPlace ? { latitude: latitude[i], longitude: longitude[i] } : undefined
      encoded.set(this.#encoder.encode(contexts[i] ?? {}, place, this.#nowMs), (i - start) * this.#words)
    }
    return {
      users: users.slice(start, end),
      latitude: latitude.slice(start, end),
      longitude: longitude.slice(start, end),
      contexts: encoded,
    }
  }
}

/** Appends the lists of a batch as lines; returns how many. */
function spoolLists(spool: Spool, { users }: UsersBatch, lists: TopLists): number {
  const lines = lists.lengths.reduce((sum, length) => sum + length, 0)
  const words = new Uint32Array(lines * LINE_WIDTH)
  const floats = new Float32Array(words.buffer)
  let line = 0
  for (const [i, user] of users.entries())
    for (let rank = 1; rank <= lists.lengths[i]; rank++, line++) {
      const at = line * LINE_WIDTH
      words[at + LINE_WORDS.user] = user
      words[at + LINE_WORDS.rank] = rank
      words[at + LINE_WORDS.restaurant] = lists.rows[line]
      floats[at + LINE_WORDS.score] = lists.scores[line]
      floats[at + LINE_WORDS.distanceM] = lists.distancesM[line]
    }
  spool.append(words)
  return lines
}

async function notFinite(
  tables: Tables,
  { user, restaurant }: { user: number; restaurant: number },
): Promise<NearrankError> {
  const [users, restaurants] = [await readIds(tables.users), await readIds(tables.restaurants)]
  return new NearrankError(
    'NOT_FINITE',
    `Cannot rank: every score must be a finite number, that of user ${users.idAt(user)} and restaurant ${restaurants.idAt(restaurant)} is not; check the features of both`,
  )
}
