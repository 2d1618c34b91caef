import { Command } from 'commander'
import { NearrankError } from '../../errors.ts'
import { EXPORT_OPTIONS } from '../../model/exportOptions.ts'
import { MODEL_OPTION } from '../../model/modelOption.ts'
import { formatBytes } from '../../format.ts'
import type { CommandContext } from '../commandContext.ts'
import { addFlags, givenOptions, JSON_OPTION } from '../flags/flags.ts'
import { print, printJson } from '../output/output.ts'

const OPTIONS = { ...MODEL_OPTION, ...EXPORT_OPTIONS, ...JSON_OPTION }

/** `nearrank export`: a model as one file that other programs read. */
export function exportCommand(_context: CommandContext): Command {
  const command = new Command('export')
    .summary('write a model as one ONNX or safetensors file')
    .usage('--model <dir> [options]')
    .description('Writes a model as one file for other programs: raw features in, scores out.')
  addFlags(command, 'Options:', OPTIONS)
  command.addHelpText('after', '\nExample:\n  nearrank export --model model --format onnx --out ranker.onnx')
  return command.action(async () => {
    const { model, format = 'onnx', out = `model.${format}`, json } = givenOptions(command, OPTIONS)
    if (model === undefined)
      throw new NearrankError('USAGE', 'Cannot export: --model DIR is missing; give the model folder')
    const { exportModel } = await import('../../model/exportModel.ts')
    const { path, bytes } = await exportModel(model, { format, out })
    if (json) printJson({ format, path, bytes }, ['format', 'path', 'bytes'])
    else print(`${path}  ${formatBytes(bytes)}`)
  })
}
