import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import type { ExportFormat } from '../../model/exportModel.ts'
import { formatBytes } from '../../format.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, type Flag, givenOptions } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'
import { choiceOf, parseText } from '../flags/values.ts'

const FORMATS: readonly ExportFormat[] = ['onnx', 'safetensors']

const FLAGS: Flag[] = [
  { flags: '--model <dir>', key: 'model', parse: parseText, help: 'model folder (required)' },
  {
    flags: '--format <name>',
    key: 'format',
    parse: choiceOf(FORMATS),
    help: 'onnx (default) or safetensors',
  },
  {
    flags: '--out <file>',
    key: 'out',
    parse: parseText,
    help: 'default model.onnx or model.safetensors in this folder',
  },
  { flags: '--json', key: 'json', help: 'print one JSON object at the end' },
]

/** `nearrank export`: a model as one file that other programs read. */
export function exportCommand(_context: CommandContext): Command {
  const command = new Command('export')
    .summary('a model as one file for other programs')
    .usage('--model <dir> [options]')
    .description('Writes a model as one file for other programs: raw features in, click probabilities out.')
  addFlags(command, 'Options:', FLAGS)
  command.addHelpText('after', '\nExample:\n  nearrank export --model model --format onnx --out ranker.onnx')
  return command.action(async () => {
    const given = givenOptions(command, FLAGS)
    if (typeof given.model !== 'string')
      throw new NearrankError('USAGE', 'Cannot export: --model DIR is missing, the model folder')
    const format = (given.format as ExportFormat | undefined) ?? 'onnx'
    const out = typeof given.out === 'string' ? given.out : `model.${format}`
    const { exportModel } = await import('../../model/exportModel.ts')
    const { path, bytes } = await exportModel(given.model, { format, out })
    if (given.json) printJson({ format, path, bytes }, ['format', 'path', 'bytes'])
    else print(`${path}  ${formatBytes(bytes)}`)
  })
}
