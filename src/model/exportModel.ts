import { dirname, join } from 'node:path'
import { NearrankError } from '../errors.ts'
import { diskError, resolveTarget, writeFileAtomic } from '../files.ts'
import { checkFileToReplace } from '../fileToReplace.ts'
import { checkOptions } from '../options/checkOptions.ts'
import { EXPORT_OPTIONS, type ExportModelOptions } from './exportOptions.ts'
import { loadModelFiles } from './modelDirectory.ts'
import { ONNX_FILE, WEIGHTS_FILE } from './modelFile.ts'
import { onnxParts } from './onnx.ts'
import { safetensorsParts } from './safetensors.ts'

/**
 * Writes the model saved as `directory` to one file: `onnx` as `encodeOnnx` tells it, `safetensors` named as
 * PyTorch's state dict names them. Encoded from the checked weights, so that it is right even where the
 * directory's own copy is not.
 * @throws NearrankError as `loadModelFiles`; USAGE for a wrong option; INPUT where `out` is another file of
 * the model's or in the way of its next replacement; DISK where writing fails.
 */
export async function exportModel(
  directory: string,
  options: ExportModelOptions,
): Promise<{ path: string; bytes: number }> {
  checkOptions(EXPORT_OPTIONS, options, 'export')
  const { format, out } = options
  const { description, weights } = await loadModelFiles(directory)
  const own = join(await resolveTarget(directory), format === 'onnx' ? ONNX_FILE : WEIGHTS_FILE)
  const target = await resolveTarget(out)
  if (dirname(target) === dirname(own) && target !== own)
    throw new NearrankError(
      'INPUT',
      `Cannot export to ${out}: the model folder may hold only the model's own files; choose another path`,
    )
  const parts =
    format === 'onnx'
      ? onnxParts(description.network, weights, {
          producerVersion: description.createdBy.version,
          scores: description.scores,
        })
      : safetensorsParts(weights, { format: 'pt' })
  if (target !== own) await checkOut(out, format)
  await writeFileAtomic(out, parts)
  return { path: out, bytes: parts.reduce((sum, part) => sum + part.length, 0) }
}

const IR_VERSION = 8 // the tag that ONNX files begin with
const BRACE = '{'.codePointAt(0) // of the header of safetensors, behind its length

async function checkOut(out: string, format: ExportModelOptions['format']): Promise<void> {
  const isOurs = (first: Buffer) => (format === 'onnx' ? first[0] === IR_VERSION : first[8] === BRACE)
  try {
    await checkFileToReplace(out, 'the model', isOurs)
  } catch (error) {
    throw diskError(error, `write the model ${out}`)
  }
}
