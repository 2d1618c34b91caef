import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { INSPECT_DATA, INSPECT_OUT, type InspectOptions } from '../../dataset/inspect/inspectOptions.ts'
import { DATA_OPTION } from '../../dataset/options.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { renderInspection } from '../output/inspectTable.ts'
import { print, printJson } from '../output/output.ts'

const JSON_KEYS = [
  'data',
  'files',
  'columns',
  'features',
  'leftOut',
  'warnings',
  'seconds',
  'peakRssBytes',
] as const

/** `nearrank inspect`: what is in a folder of data, and what looks wrong. */
export function inspectCommand({ interrupt, progress }: CommandContext): Command {
  const command = new Command('inspect')
    .summary('show what is in a folder of data, and what looks wrong')
    .usage('--data <dir> [options]')
    .description('Shows files and columns, the feature that each would become, and what looks wrong.')
  const places = { ...DATA_OPTION, ...INSPECT_OUT }
  addFlags(command, 'Paths:', places)
  addFlags(command, 'Run:', JSON_OPTION)
  addFlags(command, 'Data:', INSPECT_DATA)
  command.addHelpText('after', '\nExample:\n  nearrank inspect --data data --out features.json')

  return command.action(async () => {
    const { json } = givenOptions(command, JSON_OPTION)
    const { data, out, ...options } = {
      ...givenOptions(command, places),
      ...givenOptions(command, INSPECT_DATA),
    }
    if (data === undefined) throw new NearrankError('USAGE', 'Cannot inspect: --data DIR is missing')
    const { inspect } = await import('../../dataset/inspect/inspect.ts')
    const inspection = await inspect({
      ...(options as Omit<InspectOptions, 'data'>), // the parsers let nothing else pass
      data,
      ...(out !== undefined && { out }),
      signal: interrupt.signal,
      onProgress: ({ stage, rowsDone, rowsTotal }) =>
        progress.update({ stage: `inspect ${stage}`, done: rowsDone, total: rowsTotal }),
    })
    progress.end()
    if (json) printJson(inspection, JSON_KEYS)
    else {
      print(renderInspection(inspection))
      if (out !== undefined) print(`\nThe features are in ${out}: edit them as you like.`)
    }
  })
}
