import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { Ceilings } from '../../dataset/datasetInfo.ts'
import type { GenerateResult } from '../../dataset/generator/generate.ts'
import { GENERATE_OPTIONS } from '../../dataset/generator/options.ts'
import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTable } from '../output/table.ts'

const JSON_KEYS = [
  'kind',
  'rows',
  'testRows',
  'users',
  'restaurants',
  'requests',
  'seconds',
  'bytes',
  'bayesAccuracy',
  'bayesLogLoss',
  'ceilings',
] as const

/** `nearrank generate`: data of any size and known difficulty. */
export function generateCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('generate')
    .summary('generate data of any size')
    .usage('--out <dir> [options]')
    .description('Generates data of any size: features, clicks and requests as Parquet files.')
  const { threads, ...dataOptions } = GENERATE_OPTIONS
  addFlags(command, 'Data:', dataOptions)
  addFlags(command, 'Run:', { threads, ...JSON_OPTION })
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank generate --out data --rows 2000000 --test-rows 200000 --users 100000 --files 8' +
      '\n  nearrank generate --kind realistic --out data',
  )
  return command.action(async () => {
    const { out, json, ...options } = givenOptions(command, { ...GENERATE_OPTIONS, ...JSON_OPTION })
    if (out === undefined)
      throw new NearrankError('USAGE', 'Cannot generate: --out DIR is missing; give the folder to create')
    const { generate } = await import('../../dataset/generator/generate.ts')
    const result = await generate({
      out,
      ...options,
      signal: interrupt.signal,
      onProgress: ({ stage, rowsDone, rowsTotal }) =>
        progress.update({
          stage: `generate ${stage}`,
          done: rowsDone,
          total: rowsTotal,
          rssBytes: () => process.memoryUsage.rss(),
        }),
    })
    progress.end()
    if (json) printJson(result, JSON_KEYS)
    else print(renderGenerated(result))
  })
}

function renderGenerated(result: GenerateResult): string {
  const { ceilings } = result
  const table = renderTable(
    [],
    [
      ['training clicks', formatCount(result.rows)],
      ['test clicks', formatCount(result.testRows)],
      ['users', formatCount(result.users)],
      ['restaurants', formatCount(result.restaurants)],
      ['requests', formatCount(result.requests)],
      ['size', formatBytes(result.bytes)],
      ['time', formatSeconds(result.seconds)],
      ['best possible accuracy', result.bayesAccuracy?.toFixed(4) ?? '–'],
      ['best possible log loss', result.bayesLogLoss?.toFixed(4) ?? '–'],
    ],
    ['left', 'right'],
  )
  return ceilings ? `${table}\n\n${renderCeilings(ceilings)}` : table
}

/** What is left of the best possible without each kind of feature, the greatest loss first. */
function renderCeilings({ all, without }: Ceilings): string {
  const kinds = Object.entries(without).toSorted(([, a], [, b]) => b.logLoss - a.logLoss)
  const rows = [
    ['with every feature', all] as const,
    ...kinds.map(([kind, ceiling]) => [`without ${kind}`, ceiling] as const),
  ]
  return renderTable(
    ['best possible', 'accuracy', 'AUC', 'log loss', 'NDCG@10'],
    rows.map(([name, { accuracy, auc, logLoss, ndcg10 }]) => [
      name,
      accuracy.toFixed(4),
      auc?.toFixed(4) ?? '–',
      logLoss.toFixed(4),
      ndcg10?.toFixed(4) ?? '–',
    ]),
    ['left', 'right', 'right', 'right', 'right'],
  )
}
