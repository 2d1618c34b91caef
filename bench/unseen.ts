// node bench/unseen.ts [--rows 5000000,500000,50000]: models of realistic rows of which only one user in five is in the training
// clicks, beside the click rate of each restaurant in those same clicks. Measured are the test clicks, of all users.
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generate } from '../src/dataset/generator/generate.ts'
import { sqlText, withDuckDb } from '../src/dataset/parquet/duckdb.ts'
import type { Estimate } from '../src/metrics/bootstrap.ts'
import type { OrderEstimates } from '../src/metrics/orderSums.ts'
import { evaluate } from '../src/training/evaluate.ts'
import { train } from '../src/training/train.ts'

const SEEN = 0.2 // of the users
const CASES = [
  { name: '`--ids both`', ids: 'both' },
  { name: 'without ids', ids: 'none' },
] as const

const { values } = parseArgs({ options: { rows: { type: 'string', default: '5000000,500000,50000' } } })
console.log('| training clicks | | GAUC | NDCG@10 |\n| ---: | --- | ---: | ---: |')
for (const rows of values.rows.split(',').map(Number)) {
  const folder = await mkdtemp(join(tmpdir(), 'nearrank-bench-'))
  try {
    await compare(folder, rows)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function compare(folder: string, rows: number): Promise<void> {
  const data = join(folder, 'data')
  await generate({ out: data, kind: 'realistic', rows, requests: 0 })
  const [all, seen] = [join(data, 'train'), join(data, 'seen')]
  await mkdir(seen)
  await withDuckDb({}, (connection) =>
    connection.run(
      `COPY (SELECT * FROM read_parquet(${sqlText(join(all, '*.parquet'))}) WHERE hash(user_id) / 2.0 ** 64 < ${SEEN})
       TO ${sqlText(join(seen, 'train.parquet'))} (FORMAT parquet)`,
    ),
  )
  await rm(all, { recursive: true })
  await rename(seen, all)
  for (const [i, { name, ids }] of CASES.entries()) {
    const model = join(folder, 'model')
    const contextFeatures = ['time', 'device', 'companion', 'position']
    const trained = await train({ data, out: model, ids, contextFeatures })
    const { model: own, popularity } = (await evaluate({ data, model })).byUser?.rankings ?? {}
    if (!own || !popularity) throw new Error('there are no rankings')
    const line = (what: string, { gauc, ndcg10 }: OrderEstimates) =>
      console.log(`| ${trained.rows.toLocaleString('en')} | ${what} | ${textOf(gauc)} | ${textOf(ndcg10)} |`)
    line(name, own)
    if (i === CASES.length - 1) line('click rate of each restaurant', popularity)
  }
}

function textOf(estimate: Estimate | null): string {
  if (!estimate) return '–'
  const { value, low, high } = estimate
  return `${value.toFixed(4)} (${low.toFixed(4)}–${high.toFixed(4)})`
}
