import type { OptionTable, OptionValues } from '../options/option.ts'
import { oneOf, text } from '../options/schemas.ts'

export const EXPORT_OPTIONS = {
  /** What the file is. */
  format: {
    schema: oneOf('onnx', 'safetensors'),
    required: true,
    flag: '--format <name>',
    help: 'onnx (default) or safetensors',
  },
  /** File, replaced whole. */
  out: {
    schema: text(),
    required: true,
    flag: '--out <file>',
    help: 'default model.onnx or model.safetensors in this folder',
  },
} satisfies OptionTable

export type ExportModelOptions = OptionValues<typeof EXPORT_OPTIONS>
