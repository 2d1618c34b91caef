// node bench/groups/positions.ts [--rows 5000000]: what a position column is worth. The training lists show popular restaurants
// first, which get clicks for it; the test lists are in random order, and so tell what users prefer.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generate } from '../../src/dataset/generator/generate.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import type { Estimate } from '../../src/metrics/bootstrap.ts'
import { train } from '../../src/training/train.ts'

const CONTEXT = ['time', 'device', 'companion']
const CASES = [
  { name: 'no position', options: {} },
  { name: '`--position-column`', options: { positionColumn: 'position' } },
]

const { values } = parseArgs({ options: { rows: { type: 'string', default: '5000000' } } })
const folder = await mkdtemp(join(tmpdir(), 'nearrank-bench-'))
try {
  console.log('| training lists | position | NDCG@10 | GAUC |\n| --- | --- | ---: | ---: |')
  for (const shown of ['random', 'popular'] as const) {
    const data = join(folder, shown)
    const { ceilings } = await generate({
      out: data,
      kind: 'realistic',
      shown,
      rows: Number(values.rows),
      requests: 0,
    })
    for (const { name, options } of CASES) {
      const model = join(folder, 'model')
      const base = { data, ids: 'both', contextFeatures: CONTEXT, groupColumn: 'request_id' } as const
      await train({ ...base, out: model, checkpointSeconds: 0, ...options })
      const judged = (await evaluate({ data, model })).byGroup?.rankings.model
      const [ndcg, gauc] = [judged?.ndcg10, judged?.gauc].map(text)
      console.log(`| ${shown} | ${name} | ${ndcg} | ${gauc} |`)
    }
    console.log(`| ${shown} | best possible | ${ceilings?.without.position.ndcg10?.toFixed(4)} | |`)
  }
} finally {
  await rm(folder, { recursive: true })
}

function text(estimate: Estimate | null | undefined): string {
  if (!estimate) return '–'
  const [value, low, high] = [estimate.value, estimate.low, estimate.high].map((each) => each.toFixed(4))
  return `${value} (${low}–${high})`
}
