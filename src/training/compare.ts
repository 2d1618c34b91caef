import { type ModelParts, partsNote, partsOfModel } from '../dataset/partsOfModel.ts'
import { NearrankError } from '../errors.ts'
import type { OrderSums } from '../metrics/orderSums.ts'
import { loadModelDescription, loadModelFiles } from '../model/modelDirectory.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { instantMs } from '../options/instant.ts'
import { differencesOf, type ModelDifference, sliceDifferences } from './judgement/differences.ts'
import { Judge } from './judgement/judge.ts'
import { sliceColumns } from './judgement/sliceColumns.ts'
import { SLICE_BYTES, SLICE_SUMS_BYTES, SliceJudge, type SliceSums } from './judgement/sliceJudge.ts'
import { onTestRows, type TestRowsOptions } from './onTestRows.ts'
import { judgePack } from './rows/scoring.ts'
import { abortable } from './run/abort.ts'
import { COMPARE_OPTIONS } from './settings/compareOptions.ts'

export interface CompareOptions extends Omit<TestRowsOptions, 'model'> {
  /** Model directories; each is compared with the first. */
  models: string[]
  /** Features of all models by the values of which they are compared, too; at most 4. Only by group. */
  slices?: string[]
}

export interface Comparison {
  by: 'group' | 'user' // what was drawn for the intervals, and ordered
  units: number // groups or users
  share: number // of the users: 1 if all were
  rows: number // test clicks
  differences: ModelDifference[] // of each model but the first
  seconds: number
}

/** What one model does with the test clicks. */
interface Judged {
  model: string
  by: 'group' | 'user'
  sums: OrderSums
  share: number
  rows: number
  slices: SliceSums[]
  ordersOnly: boolean
}

/**
 * Whether models are better than the first of them on the test clicks: differences of the measures by group
 * (by user if there are no groups), with intervals. One model after the other is scored, in memory that does
 * not depend on the number of clicks.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, ABORTED.
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  checkOptions({ ...COMPARE_OPTIONS, ...CALLBACKS }, options, 'compare')
  const { models, slices = [], ...others } = options
  return abortable(options.signal, async () => {
    const started = performance.now()
    const groupColumn = options.groupColumn ?? (await groupColumnOf(models))
    const parts = await partsOf(models, options)
    const shared = { ...others, ...parts, ...(groupColumn !== undefined && { groupColumn }) }
    const judged: Judged[] = []
    for (const [i, model] of models.entries()) {
      const found = await judgeModel({ ...shared, model }, { slices, done: i, of: models.length })
      if (i > 0) checkSameRows(judged[0], found)
      judged.push(found)
    }
    const [first, ...rest] = judged
    const { by, sums, share, rows } = first
    const differences = rest.map((other) => {
      const of = { withLoss: !first.ordersOnly && !other.ordersOnly }
      return {
        model: other.model,
        first: first.model,
        measures: differencesOf(first.sums, other.sums, of),
        slices: sliceDifferences(first.slices, other.slices, of),
      }
    })
    const seconds = (performance.now() - started) / 1000
    return { by, units: sums.buckets.units, share, rows, differences, seconds }
  })
}

/** That of the first model that has one. */
async function groupColumnOf(models: string[]): Promise<string | undefined> {
  for (const model of models) {
    const { description } = await loadModelFiles(model)
    if (description.columns.group !== undefined) return description.columns.group
  }
  return undefined
}

/**
 * Where the test clicks are: of the first model that tells, unless `options` does.
 * @throws NearrankError INPUT if another model tells of others.
 */
async function partsOf(models: string[], options: Omit<CompareOptions, 'models'>): Promise<ModelParts> {
  let first: { model: string; parts: ModelParts } | undefined
  for (const model of models) {
    const parts = partsOfModel(await loadModelDescription(model), options)
    const { timeColumn, testAfter } = parts
    if (testAfter === undefined || timeColumn === undefined) continue
    first ??= { model, parts }
    const { timeColumn: column, testAfter: cut } = first.parts
    if (timeColumn !== column || instantMs(testAfter) !== instantMs(cut!))
      throw new NearrankError(
        'INPUT',
        `Cannot compare ${model} with ${first.model}: test clicks of the one are ${timeColumn} from ${testAfter} on, of the other ${column} from ${cut} on; say which with testAfter (--test-after, --time-column), or use files of their own (--test-files)`,
      )
  }
  if (first && options.testAfter === undefined)
    options.onProgress?.({ type: 'note', message: partsNote(first.parts) })
  return first?.parts ?? {}
}

async function judgeModel(
  options: TestRowsOptions & ModelParts,
  { slices: names, done, of }: { slices: string[]; done: number; of: number },
): Promise<Judged> {
  const { model, signal, onProgress } = options
  const plan = {
    action: 'compare',
    extraBytes: ({ shape }: { shape: { users: number } }) =>
      Judge.bytesMax(shape.users) + names.length * (SLICE_BYTES + of * SLICE_SUMS_BYTES),
  }
  return onTestRows(options, plan, async ({ lead, pack, tables, description }) => {
    const judge = new Judge(pack, { baselines: null, byUser: !pack.groups, withLoss: true })
    if (names.length > 0 && !pack.groups)
      throw new NearrankError(
        'INPUT',
        `Cannot compare by ${names.join(', ')}: slices are compared by group, and the clicks are in none; name the column that tells what was shown together, such as --group-column request_id`,
      )
    const features = { users: tables.users.features, restaurants: tables.restaurants.features }
    const columns = names.length > 0 ? await sliceColumns(names, lead, pack, features) : []
    const { chunkRows } = lead.arena.ring
    const slices = columns.map((one) => new SliceJudge(one, { chunkRows, hasGroups: true, withLoss: true }))
    await judgePack(lead, pack, [judge, ...slices], {
      signal,
      onProgress: (rows, rowsTotal) =>
        onProgress?.({ type: 'evaluate', rowsDone: done * rowsTotal + rows, rowsTotal: of * rowsTotal }),
    })
    return {
      model,
      ...judge.sums(),
      slices: slices.flatMap((slice) => slice.sums()),
      rows: pack.rows,
      ordersOnly: description.scores === 'order',
    }
  })
}

/** @throws NearrankError INPUT: models that leave out other rows cannot be compared row by row. */
function checkSameRows(first: Judged, other: Judged): void {
  if (first.rows === other.rows && first.sums.isOfSameRows(other.sums)) return
  throw new NearrankError(
    'INPUT',
    `Cannot compare ${other.model} with ${first.model}: they use different test clicks, ${other.rows} and ${first.rows}; give the policies for both, such as --on-missing drop`,
  )
}
