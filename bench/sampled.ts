// node bench/sampled.ts [--rows 5000000]: what weights are worth if only one in five rows without a click is kept, on realistic
// rows. Measured are the test clicks, all of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generate } from '../src/dataset/generator/generate.ts'
import { sqlText, withDuckDb } from '../src/dataset/parquet/duckdb.ts'
import { train } from '../src/training/train.ts'

const KEPT = 0.2 // of the rows without a click
const SAMPLED = 'sampled.parquet'
const CASES = [
  { name: 'all', options: {} },
  { name: 'sampled', options: { trainFiles: SAMPLED } },
  { name: 'sampled, `--weight-column`', options: { trainFiles: SAMPLED, weightColumn: 'weight' } },
  { name: 'sampled, `--propensity-column`', options: { trainFiles: SAMPLED, propensityColumn: 'kept' } },
]

const { values } = parseArgs({ options: { rows: { type: 'string', default: '5000000' } } })
const folder = await mkdtemp(join(tmpdir(), 'nearrank-bench-'))
try {
  const data = join(folder, 'data')
  await generate({ out: data, kind: 'realistic', rows: Number(values.rows), requests: 0 })
  const drawn = `hash(request_id || ' ' || position) / 2.0 ** 64 < ${KEPT}`
  await withDuckDb({}, (connection) =>
    connection.run(
      `COPY (SELECT *, CASE WHEN click = 1 THEN 1 ELSE ${1 / KEPT} END AS weight, CASE WHEN click = 1 THEN 1 ELSE ${KEPT} END AS kept
       FROM read_parquet(${sqlText(join(data, 'train/*.parquet'))}) WHERE click = 1 OR ${drawn})
       TO ${sqlText(join(data, SAMPLED))} (FORMAT parquet)`,
    ),
  )
  console.log('| rows | | AUC | log loss | calibration error |\n| --- | ---: | ---: | ---: | ---: |')
  for (const { name, options } of CASES) {
    const { rows, test } = await train({
      data,
      out: join(folder, 'model'),
      ids: 'both',
      contextFeatures: ['time', 'device', 'companion', 'position'],
      checkpointSeconds: 0,
      ...options,
    })
    if (!test) throw new Error('there are no test clicks')
    const figures = [test.auc ?? 0, test.logLoss, test.calibrationError].map((value) => value.toFixed(4))
    console.log(`| ${name} | ${rows.toLocaleString('en')} | ${figures.join(' | ')} |`)
  }
} finally {
  await rm(folder, { recursive: true })
}
