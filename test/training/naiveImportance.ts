import { dataOfModel } from '../../src/dataset/dataOfModel.ts'
import { openRowsApart, openTablesApart } from '../../src/dataset/openApart.ts'
import { allocateRows, type ClickRows } from '../../src/dataset/clicks/rowLayout.ts'
import { type FeatureTable, readFeaturesInto } from '../../src/dataset/tables/readTables.ts'
import type { PairFeature, FeatureSpec, Source } from '../../src/features/featureSpec.ts'
import { rowShape, widthOf } from '../../src/features/rowShape.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { modelFeatures } from '../../src/model/modelFeatures.ts'
import { naiveInputs, naiveLogits } from '../../src/model/naiveForward.ts'
import { inputWidth } from '../../src/model/network.ts'
import { drawRows } from '../../src/training/importance/drawRows.ts'
import { RowStream } from '../../src/training/rows/rowStream.ts'

/** A drawn row as three encoded rows: what is swapped in them says which feature is permuted. */
interface Row {
  users: Float32Array
  restaurants: Float32Array
  click: Float32Array
}

export interface Drawn {
  rows: Row[] // of each drawn row, in order
  donors: Row[][] // [repeats]: the row that it meets
  clicks: Uint8Array
  users: Uint32Array
  restaurants: Uint32Array
  logitsOf: (rows: Row[]) => Float64Array
  /** `rows` with a feature's words of `donors`; without a name, those of all features of the source. */
  mixed: (rows: Row[], donors: Row[], source: Source, name?: string) => Row[]
}

/** What `importance` draws of the test clicks, read and encoded without any of its code but the order. */
export async function drawnRows(
  data: string,
  model: string,
  options: { rows: number; seed: number },
): Promise<Drawn> {
  const { description, weights } = await loadModelFiles(model)
  const features = modelFeatures(description)
  const open = dataOfModel(description, { data })
  const { tables } = await openTablesApart(open)
  const { packs } = await openRowsApart(open, tables, ['test'])
  const [pack] = packs
  try {
    const { rows: count, repeats, orderOf } = drawRows(pack, options)
    const read = async (pass: number): Promise<ClickRows> => {
      const rows = allocateRows(pack.plan, count)
      if ((await new RowStream(pack, orderOf(pass)).nextInto(rows)) !== count)
        throw new Error('rows are missing')
      return rows
    }
    const [users, restaurants] = [await encoded(tables.users), await encoded(tables.restaurants)]
    const width = widthOf([...(features.context ?? []), ...(features.pairs ?? [])])
    const rowsOf = (rows: ClickRows) =>
      Array.from(rows.clicks, (_, i): Row => {
        const words = (rows.context as Uint32Array | undefined)?.slice(i * width, (i + 1) * width)
        return {
          users: users(rows.users[i]),
          restaurants: restaurants(rows.restaurants[i]),
          click: new Float32Array((words ?? new Uint32Array()).buffer),
        }
      })
    const own = await read(0)
    const donors = await Promise.all(Array.from({ length: repeats }, (_, i) => read(1 + i)))
    return {
      rows: rowsOf(own),
      donors: donors.map(rowsOf),
      clicks: own.clicks,
      users: own.users,
      restaurants: own.restaurants,
      logitsOf(rows) {
        const inputs = new Float64Array(rows.length * inputWidth(description.network))
        for (const [i, row] of rows.entries())
          inputs.set(naiveInputs(description.network, weights)(row), i * inputWidth(description.network))
        return naiveLogits(description.network, weights, inputs)
      },
      mixed: (rows, others, source, name) => {
        const part = source === 'users' || source === 'restaurants' ? source : 'click'
        const before = source === 'pairs' ? (features.context ?? []) : []
        const after = source === 'context' ? (features.pairs ?? []) : []
        const words = wordsOf(features[source] ?? [], { before, after }, name)
        return rows.map((row, i) => {
          const copy = new Uint32Array(row[part].slice().buffer)
          const from = new Uint32Array(others[i][part].buffer, others[i][part].byteOffset)
          for (const word of words) copy[word] = from[word]
          return { ...row, [part]: new Float32Array(copy.buffer) }
        })
      },
    }
  } finally {
    await pack.close()
  }
}

type Features = readonly (FeatureSpec | PairFeature)[]

/** The words of a feature in a row that holds `before`, these features and `after`: numbers, then codes. */
function wordsOf(
  own: Features,
  { before, after }: { before: Features; after: Features },
  name?: string,
): number[] {
  let number = rowShape(before).numbers
  let code = rowShape([...before, ...own, ...after]).numbers + rowShape(before).codes
  return own.flatMap((feature) => {
    const { numbers, codes } = rowShape([feature])
    const words = [
      ...Array.from({ length: numbers }, (_, i) => number + i),
      ...Array.from({ length: codes }, (_, i) => code + i),
    ]
    number += numbers
    code += codes
    return name === undefined || feature.name === name ? words : []
  })
}

async function encoded(table: FeatureTable): Promise<(row: number) => Float32Array> {
  const width = widthOf(table.features)
  const rows = new Float32Array(table.rows * width)
  await readFeaturesInto(table, rows, width)
  return (row) => rows.subarray(row * width, (row + 1) * width)
}

/** Of each row. */
export function naiveLosses(logits: Float64Array, clicks: Uint8Array): number[] {
  return Array.from(logits, (z, i) => Math.log1p(Math.exp(clicks[i] === 1 ? -z : z)))
}

/** By the ranks of the clicks among all rows (Mann and Whitney). */
export function naiveAuc(logits: ArrayLike<number>, clicks: Uint8Array): number {
  const order = Array.from(logits, (_, i) => i).toSorted((a, b) => logits[a] - logits[b])
  let ranks = 0 // of the clicks, from 1; equal logits share the mean of theirs
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && logits[order[end]] === logits[order[start]]) end++
    const own = order.slice(start, end).filter((i) => clicks[i] === 1)
    ranks += own.length * ((start + 1 + end) / 2)
  }
  const own = order.filter((i) => clicks[i] === 1).length
  return (ranks - (own * (own + 1)) / 2) / (own * (order.length - own))
}
