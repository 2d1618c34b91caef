import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { GenerateResult } from '../../dataset/generator/generate.ts'
import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { renderTable } from '../output/table.ts'
import { integerBetween, parseText } from '../flags/values.ts'

const count = integerBetween(0, 1e11)
const atLeastOne = integerBetween(1, 1e11)
const files = integerBetween(1, 10_000)

const FLAGS: Flag[] = [
  {
    flags: '--out <dir>',
    key: 'out',
    parse: parseText,
    help: 'folder to make (required); an earlier generated data set is replaced',
  },
  { flags: '--rows <n>', key: 'rows', parse: atLeastOne, help: 'training clicks, default 50000000' },
  { flags: '--test-rows <n>', key: 'testRows', parse: count, help: 'test clicks, default 5000000' },
  { flags: '--users <n>', key: 'users', parse: integerBetween(1, 2 ** 31), help: 'default 1000000' },
  {
    flags: '--restaurants <n>',
    key: 'restaurants',
    parse: integerBetween(1, 2 ** 31),
    help: 'default 100000',
  },
  { flags: '--requests <n>', key: 'requests', parse: count, help: 'recommendation requests, default 10000' },
  {
    flags: '--candidates <n>',
    key: 'candidates',
    parse: integerBetween(1, 1e6),
    help: 'restaurants of one request, default 1000',
  },
  { flags: '--files <n>', key: 'files', parse: files, help: 'files of training clicks, default 80' },
  { flags: '--test-files <n>', key: 'testFiles', parse: files, help: 'files of test clicks, default 8' },
  {
    flags: '--seed <n>',
    key: 'seed',
    parse: integerBetween(0, Number.MAX_SAFE_INTEGER),
    help: 'the same seed makes the same bytes',
  },
]
const RUN_FLAGS: Flag[] = [
  { flags: '--threads <n>', key: 'threads', parse: integerBetween(1, 256), help: 'default: all cores' },
  { flags: '--json', key: 'json', help: 'print one JSON object at the end' },
]

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
    .summary('the reference data of any size')
    .usage('--out <dir> [options]')
    .description('Makes the reference data of any size: features, clicks and requests as Parquet files.')
  addFlags(command, 'Data:', FLAGS)
  addFlags(command, 'Run:', RUN_FLAGS)
  command.addHelpText(
    'after',
    '\nExample:\n  nearrank generate --out data --rows 2000000 --test-rows 200000 --users 100000 --files 8',
  )
  return command.action(async () => {
    const { out, json, ...options } = givenOptions(command, [...FLAGS, ...RUN_FLAGS])
    if (typeof out !== 'string')
      throw new NearrankError('USAGE', 'Cannot generate: --out DIR is missing, the folder to make')
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
