// node bench/groups/run.ts [--rows 5000000] [--rounds 3]: epochs of the reference network with losses of groups, beside those of
// logistic on the same rows without groups. Groups of 20 and of 200 rows, one after the other in the files. The losses take turns.
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { generate } from '../../src/dataset/generator/generate.ts'
import { train } from '../../src/training/train.ts'
import { timingOf, timingText } from '../measure.ts'

const FILES = 8
const LOSSES = ['pairwise', 'lambdarank', 'softmax', 'logistic+pairwise'] as const

interface Case {
  loss: 'logistic' | (typeof LOSSES)[number]
  groupColumn?: string
}

const CASES: Case[] = [
  { loss: 'logistic' },
  ...['g20', 'g200'].flatMap((groupColumn) => LOSSES.map((loss) => ({ loss, groupColumn }))),
]

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '5000000' }, rounds: { type: 'string', default: '3' } },
})
const folder = await mkdtemp(join(tmpdir(), 'nearrank-bench-'))
try {
  const data = await groupedData(folder, Number(values.rows))
  const seconds = CASES.map((): number[] => [])
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [i, { loss, groupColumn }] of CASES.entries()) {
      const result = await train({
        data,
        out: join(folder, 'model'),
        preset: 'reference',
        learningRate: 1e-4,
        epochs: 1,
        loss,
        ...(groupColumn !== undefined && { groupColumn }),
        checkpointSeconds: 0,
      })
      seconds[i].push(result.epochs[0].seconds)
    }
  const [logistic] = seconds.map((own) => timingOf(own).seconds)
  console.log('| groups of | loss | an epoch | rows/s of logistic |\n| ---: | --- | ---: | ---: |')
  for (const [i, { loss, groupColumn = '' }] of CASES.entries()) {
    const timing = timingOf(seconds[i])
    const share = Math.round((100 * logistic) / timing.seconds)
    console.log(`| ${groupColumn.slice(1)} | ${loss} | ${timingText(timing)} | ${share} % |`)
  }
} finally {
  await rm(folder, { recursive: true })
}

/** Reference data whose clicks have two more columns. */
async function groupedData(out: string, rows: number): Promise<string> {
  const plain = join(out, 'plain')
  await generate({ out: plain, rows, testRows: 0, requests: 0, files: FILES, seed: 1 })
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const files = await readdir(join(plain, 'train'))
  for (const [file, name] of files.entries()) {
    const path = join(plain, 'train', name)
    await connection.run(
      `COPY (SELECT * EXCLUDE (file_row_number), ${file} * 1000000000::BIGINT + file_row_number // 20 AS g20,
        ${file} * 1000000000::BIGINT + file_row_number // 200 AS g200
        FROM read_parquet('${path}', file_row_number = true)) TO '${path}.new' (FORMAT parquet)`,
    )
    await rename(`${path}.new`, path)
  }
  return plain
}
