import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { GenerateResult } from '../../dataset/generator/generate.ts'
import { GENERATE_OPTIONS } from '../../dataset/generator/options.ts'
import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTable } from '../output/table.ts'

const JSON_KEYS = [
  'rows',
  'testRows',
  'users',
  'restaurants',
  'requests',
  'seconds',
  'bytes',
  'bayesAccuracy',
  'bayesLogLoss',
] as const

/** `nearrank generate`: the reference data of any size. */
export function generateCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('generate')
    .summary('generate reference data of any size')
    .usage('--out <dir> [options]')
    .description('Generates reference data of any size: features, clicks and requests as Parquet files.')
  const { threads, ...dataOptions } = GENERATE_OPTIONS
  addFlags(command, 'Data:', dataOptions)
  addFlags(command, 'Run:', { threads, ...JSON_OPTION })
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank generate --out data --rows 2000000 --test-rows 200000 --users 100000 --files 8',
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
          rssBytes: process.memoryUsage.rss(),
        }),
    })
    progress.end()
    if (json) printJson(result, JSON_KEYS)
    else print(renderGenerated(result))
  })
}

function renderGenerated(result: GenerateResult): string {
  return renderTable(
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
}
