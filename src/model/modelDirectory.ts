import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, NearrankError } from '../errors.ts'
import {
  diskError,
  type FileData,
  isMissing,
  resolveTarget,
  siblingPath,
  syncDirectory,
  writeNewFile,
} from '../files.ts'
import { checkWeights } from './checkWeights.ts'
import {
  FORMAT_VERSION,
  formatModelFile,
  MODEL_FILE,
  type ModelContent,
  type ModelDescription,
  ONNX_FILE,
  PAGE_FILE,
  parseModelFile,
  REPORT_FILE,
  WEIGHTS_FILE,
} from './modelFile.ts'
import { type Network, parameterCount, type StateDict, tensorShapes } from './network.ts'
import { type OnnxOptions, onnxParts } from './onnx.ts'
import { checkOutDirectory } from './outDirectory.ts'
import { recoverDirectory, replaceDirectory } from './replaceDirectory.ts'
import { decodeSafetensors, safetensorsParts } from './safetensors.ts'

const MODEL_FILE_BYTES_MAX = 256 * 2 ** 20 // a ledger of 1,000 epochs over 1,000 files takes about 100 MB
const WEIGHTS_OVERHEAD_BYTES_MAX = 2 ** 20 // header of a weights file, but for its tensors
const TENSOR_OVERHEAD_BYTES_MAX = 256 // beside its name
const READ_ATTEMPTS_MAX = 20 // each fails only where the model was replaced while it was being read

export interface SaveModelOptions {
  description: ModelContent
  weights: StateDict // of description.network, for raw features
  report: string // Markdown
  page?: string // the same as HTML, with pictures; absent: there is none
  encoded?: EncodedWeights // of the same weights, where they have been encoded already
}

/** The bytes of weights.safetensors and model.onnx, in parts: views of the weights, which must not change. */
export interface EncodedWeights {
  safetensors: readonly Uint8Array[]
  onnx: readonly Uint8Array[]
}

/** @throws NearrankError INTERNAL where the weights are not the network's. */
export function encodeWeights(network: Network, weights: StateDict, options: OnnxOptions): EncodedWeights {
  checkWeights(network, weights, { where: 'the weights to save', code: 'INTERNAL' })
  return {
    safetensors: safetensorsParts(weights, { format: 'pt' }),
    onnx: onnxParts(network, weights, options),
  }
}

/**
 * Saves a model as `directory`: model.json, weights.safetensors, model.onnx, report.md and report.html. All
 * are written and synced beside it, then take its place together: after a crash at any moment there is the
 * earlier model or the new one, whole.
 * @throws NearrankError INPUT as `checkOutDirectory`, DISK where writing fails (the earlier model stays),
 * INTERNAL where the weights are not the network's.
 */
export async function saveModel(directory: string, options: SaveModelOptions): Promise<void> {
  const files = encodeFiles(options)
  await recoverModelDirectory(directory)
  await checkOutDirectory(directory)
  const target = await resolveTarget(directory)
  const replacement = siblingPath(target, 'new')
  try {
    await mkdir(dirname(target), { recursive: true })
    await mkdir(replacement)
    try {
      for (const [name, data] of files) await writeNewFile(join(replacement, name), data)
      await syncDirectory(replacement)
      await replaceDirectory(target, replacement)
    } catch (error) {
      await rm(replacement, { recursive: true, force: true })
      throw error
    }
  } catch (error) {
    throw diskError(error, `save the model as ${directory}`)
  }
}

/**
 * The model saved as `directory`, every byte of description and weights checked; repairs an interrupted
 * replacement.
 */
export async function loadModelFiles(
  directory: string,
): Promise<{ description: ModelDescription; weights: StateDict }> {
  return readUndisturbed(directory, readModel)
}

/** The same without the weights. */
export async function loadModelDescription(directory: string): Promise<ModelDescription> {
  return readUndisturbed(directory, readDescription)
}

async function readUndisturbed<T>(directory: string, read: (directory: string) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    await recoverModelDirectory(directory)
    const before = await identityOf(directory)
    try {
      return await read(directory)
    } catch (error) {
      // A saver may have replaced the directory between two of the reads: then this was a mixture of two good
      // models.
      await recoverModelDirectory(directory)
      if (attempt === READ_ATTEMPTS_MAX || (await identityOf(directory)) === before) throw error
    }
  }
}

/**
 * Puts the earlier model back where a kill came just before the new one took its place. `saveModel` and
 * `loadModelFiles` do it themselves.
 */
export async function recoverModelDirectory(directory: string): Promise<void> {
  try {
    await recoverDirectory(await resolveTarget(directory))
  } catch (error) {
    throw diskError(error, `use ${directory}`)
  }
}

function encodeFiles({
  description,
  weights,
  report,
  page,
  encoded,
}: SaveModelOptions): [string, FileData][] {
  const { network, createdBy, scores } = description
  const { safetensors: weightsBytes, onnx: onnxBytes } =
    encoded ?? encodeWeights(network, weights, { producerVersion: createdBy.version, scores })
  const text = formatModelFile({
    formatVersion: description.features ? FORMAT_VERSION : 1,
    ...description,
    weights: { file: WEIGHTS_FILE, ...sealed(weightsBytes) },
    onnx: { file: ONNX_FILE, ...sealed(onnxBytes) },
  })
  return [
    [WEIGHTS_FILE, weightsBytes],
    [ONNX_FILE, onnxBytes],
    [REPORT_FILE, Buffer.from(report)],
    ...(page === undefined ? [] : [[PAGE_FILE, Buffer.from(page)] satisfies [string, FileData]]),
    [MODEL_FILE, Buffer.from(text)],
  ]
}

async function readModel(directory: string): Promise<{ description: ModelDescription; weights: StateDict }> {
  const description = await readDescription(directory)
  const weights = await readWeights(directory, description)
  return { description, weights }
}

async function readDescription(directory: string): Promise<ModelDescription> {
  await checkIsDirectory(directory)
  const where = join(directory, MODEL_FILE)
  const bytes = await readBounded(where, MODEL_FILE_BYTES_MAX)
  return parseModelFile(decodeUtf8(bytes, where), { where })
}

async function readWeights(directory: string, { network, weights }: ModelDescription): Promise<StateDict> {
  const where = join(directory, WEIGHTS_FILE)
  const bytes = await readBounded(where, weightsBytesMax(network))
  if (bytes.length !== weights.bytes || sha256(bytes) !== weights.sha256)
    throw new NearrankError(
      'DAMAGED',
      `Cannot read ${where}: its checksum in ${MODEL_FILE} is ${weights.sha256} (${weights.bytes} bytes), found ${sha256(bytes)} (${bytes.length} bytes); restore it from a copy or train again`,
    )
  const { tensors } = decodeSafetensors(bytes, { where })
  checkWeights(network, tensors, { where, code: 'DAMAGED' })
  return tensors
}

/** What a weights file takes at most; there may be thousands of embeddings, with long names. */
function weightsBytesMax(network: Network): number {
  return [...tensorShapes(network).keys()].reduce(
    (sum, name) => sum + Buffer.byteLength(JSON.stringify(name)) + TENSOR_OVERHEAD_BYTES_MAX,
    parameterCount(network) * 4 + WEIGHTS_OVERHEAD_BYTES_MAX,
  )
}

async function checkIsDirectory(directory: string): Promise<void> {
  let found = 'a file'
  try {
    if ((await stat(directory)).isDirectory()) return
  } catch (error) {
    found = isMissing(error) ? 'nothing there' : messageOf(error)
  }
  throw new NearrankError(
    'INPUT',
    `Cannot load a model from ${directory}: it must be a folder with ${MODEL_FILE}, found ${found}; give the folder that training wrote`,
  )
}

async function readBounded(path: string, bytesMax: number): Promise<Uint8Array> {
  const refuse = (problem: string, cause?: unknown) =>
    new NearrankError('INPUT', `Cannot read ${path}: ${problem}; give the folder that training wrote`, {
      cause,
    })
  try {
    const entry = await stat(path)
    if (!entry.isFile()) throw refuse('it must be a file, found something else')
    if (entry.size > bytesMax)
      throw new NearrankError(
        'DAMAGED',
        `Cannot read ${path}: it must be at most ${bytesMax} bytes, found ${entry.size}; restore it from a copy or train again`,
      )
    return await readFile(path)
  } catch (error) {
    if (error instanceof NearrankError) throw error
    throw refuse(isMissing(error) ? 'there is no such file' : messageOf(error), error)
  }
}

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new NearrankError(
      'DAMAGED',
      `Cannot read ${where}: it is not valid UTF-8; restore it from a copy or train again`,
      { cause: error },
    )
  }
}

/** Which directory it is: changes whenever another takes its place. */
async function identityOf(directory: string): Promise<string> {
  const entry = await stat(directory, { bigint: true }).catch(() => undefined)
  return entry === undefined ? 'none' : `${entry.dev}:${entry.ino}:${entry.ctimeNs}`
}

function sealed(parts: readonly Uint8Array[]): { sha256: string; bytes: number } {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return { sha256: hash.digest('hex'), bytes: parts.reduce((sum, part) => sum + part.length, 0) }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
