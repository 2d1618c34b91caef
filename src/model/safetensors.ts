import { createHash, type Hash } from 'node:crypto'
import { NearrankError } from '../errors.ts'
import { duplicateKey } from '../json/duplicateKey.ts'
import type { StateDict } from './network.ts'

// The safetensors format: 8 bytes header length (little-endian), a JSON header, the tensors one behind the
// other. Typed arrays are written as they lie in memory: little-endian on every machine WebAssembly's memory
// is shared with.

export const HEADER_BYTES_MAX = 100_000_000 // the format's own limit
const DIMENSIONS_MAX = 8
const METADATA = '__metadata__'

// Our files carry a SHA-256 of themselves, computed with zeros in its own place, which is the same in every
// file: first in the header. Other readers see one more line of metadata.
const SEAL_KEY = 'nearrank.sha256'
const SEAL_PREFIX = `{"${METADATA}":{"${SEAL_KEY}":"`
const SEAL_START = 8 + SEAL_PREFIX.length
const SEAL_END = SEAL_START + 64
const NO_SEAL = '0'.repeat(64)

export interface Safetensors {
  tensors: StateDict // in the order of their data
  metadata: Record<string, string>
}

/**
 * Where the bytes come from, for messages, and whether files without our checksum are refused (default:
 * read).
 */
export interface DecodeSafetensorsOptions {
  where: string
  requireChecksum?: boolean
}

/**
 * Float32 tensors and string metadata as one safetensors file that carries its own checksum. The same
 * arguments, in the same order, give the same bytes.
 * @throws NearrankError INTERNAL where a shape does not fit its data or a name is reserved.
 */
export function encodeSafetensors(tensors: StateDict, metadata: Record<string, string> = {}): Uint8Array {
  return Buffer.concat(safetensorsParts(tensors, metadata))
}

/**
 * The same file in parts, one behind the other: the header, then the tensors as they lie in memory, not
 * copied. They must not change before the parts are written.
 */
export function safetensorsParts(tensors: StateDict, metadata: Record<string, string> = {}): Uint8Array[] {
  if (tensors.has(METADATA) || Object.hasOwn(metadata, SEAL_KEY))
    throw new NearrankError(
      'INTERNAL',
      `Cannot encode tensors: the names ${METADATA} and ${SEAL_KEY} are reserved`,
    )
  const notes = Object.entries(metadata).map(
    ([key, text]) => `,${JSON.stringify(key)}:${JSON.stringify(text)}`,
  )
  let header = `${SEAL_PREFIX}${NO_SEAL}"${notes.join('')}}`
  let offset = 0
  for (const [name, { shape, data }] of tensors) {
    if (elementCount(shape) !== data.length)
      throw new NearrankError(
        'INTERNAL',
        `Cannot encode tensor ${name}: its shape [${shape.join(', ')}] does not hold ${data.length} numbers`,
      )
    const end = offset + data.byteLength
    header += `,${JSON.stringify(name)}:{"dtype":"F32","shape":${JSON.stringify(shape)},"data_offsets":[${offset},${end}]}`
    offset = end
  }
  const headerBytes = Buffer.from(`${header}}`)
  const headerLength = Math.ceil(headerBytes.length / 8) * 8
  if (headerLength > HEADER_BYTES_MAX)
    throw new NearrankError(
      'INTERNAL',
      `Cannot encode tensors: names and metadata take ${headerLength} bytes, at most ${HEADER_BYTES_MAX} are allowed`,
    )

  const head = new Uint8Array(8 + headerLength)
  new DataView(head.buffer).setBigUint64(0, BigInt(headerLength), true)
  head.set(headerBytes, 8)
  head.fill(0x20, 8 + headerBytes.length)
  const data = [...tensors.values()].map(
    (tensor) => new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength),
  )
  const seal = sealOf(head)
  for (const part of data) seal.update(part)
  head.set(Buffer.from(seal.digest('hex')), SEAL_START)
  return [head, ...data]
}

/**
 * Tensors and metadata of a safetensors file, copied out of `bytes`; float32 only. Everything is checked: the
 * checksum where there is one, lengths, names, shapes, and that the tensors cover the data without gap or
 * overlap.
 * @throws NearrankError DAMAGED, naming what is wrong.
 */
export function decodeSafetensors(bytes: Uint8Array, options: DecodeSafetensorsOptions): Safetensors {
  const { where } = options
  if (bytes.length < 8) throw damaged(where, `it must be at least 8 bytes long, found ${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = Number(view.getBigUint64(0, true))
  const headerLengthMax = Math.min(HEADER_BYTES_MAX, bytes.length - 8)
  if (headerLength > headerLengthMax)
    throw damaged(where, `the header must be at most ${headerLengthMax} bytes long, it says ${headerLength}`)
  checkSeal(bytes, headerLength, options)

  const data = bytes.subarray(8 + headerLength)
  const { entries, metadata } = contentsOf(bytes.subarray(8, 8 + headerLength), data.length, where)
  const tensors: StateDict = new Map()
  for (const { name, shape, start, end } of entries) {
    const copy = new Uint8Array(data.subarray(start, end)) // aligned, whatever `bytes` is a part of
    tensors.set(name, { shape, data: new Float32Array(copy.buffer) })
  }
  return { tensors, metadata }
}

/** Where a tensor stands: bytes start … end, exclusive, of the data behind the header. */
export interface TensorEntry {
  name: string
  shape: number[]
  start: number
  end: number
}

/**
 * The tensors, in the order of their data, and the metadata that a header tells, of a file with `dataBytes`
 * behind it. @throws NearrankError DAMAGED
 */
export function contentsOf(
  headerBytes: Uint8Array,
  dataBytes: number,
  where: string,
): { entries: TensorEntry[]; metadata: Record<string, string> } {
  const header = parseHeader(headerBytes, where)
  const metadata = metadataOf(header, where)
  delete metadata[SEAL_KEY]
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => tensorEntry(name, entry, where))
    .toSorted((a, b) => a.start - b.start || a.end - b.end)
  let position = 0
  for (const { name, start, end } of entries) {
    if (start !== position)
      throw damaged(where, `tensor ${name} must begin at byte ${position} of the data, it begins at ${start}`)
    if (end > dataBytes)
      throw damaged(where, `tensor ${name} ends at byte ${end} of the data, which is ${dataBytes} bytes long`)
    position = end
  }
  if (position !== dataBytes)
    throw damaged(where, `the tensors take ${position} bytes, the file holds ${dataBytes} of data`)
  return { entries, metadata }
}

/** The checksum that a file holds, read from its beginning; undefined: none. */
export function sealIn(head: Uint8Array): string | undefined {
  const isSealed =
    head.length > SEAL_END && Buffer.from(head.subarray(8, SEAL_START)).equals(Buffer.from(SEAL_PREFIX))
  return isSealed ? Buffer.from(head.subarray(SEAL_START, SEAL_END)).toString('latin1') : undefined
}

/** The hash of a file from its beginning, header included; updated with the rest, it gives the checksum. */
export function sealOf(head: Uint8Array): Hash {
  const hash = createHash('sha256').update(head.subarray(0, SEAL_START)).update(NO_SEAL)
  return hash.update(head.subarray(SEAL_END))
}

function checkSeal(bytes: Uint8Array, headerLength: number, options: DecodeSafetensorsOptions): void {
  const seal = sealIn(bytes.subarray(0, 8 + headerLength))
  if (seal === undefined && options.requireChecksum === true)
    throw damaged(options.where, 'the header must begin with a checksum, found none')
  if (seal !== undefined && seal !== sealOf(bytes).digest('hex'))
    throw damaged(options.where, 'its content does not match its checksum')
}

function parseHeader(bytes: Uint8Array, where: string): Record<string, unknown> {
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    header = JSON.parse(text)
  } catch (error) {
    throw damaged(where, 'the header is not valid JSON', error)
  }
  if (!text.startsWith('{') || !isObject(header)) throw damaged(where, 'the header must be a JSON object')
  const twice = duplicateKey(text)
  if (twice !== undefined) throw damaged(where, `the header holds ${JSON.stringify(twice)} twice`)
  return header
}

function metadataOf(header: Record<string, unknown>, where: string): Record<string, string> {
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {}
  if (!isObject(metadata)) throw damaged(where, `${METADATA} must be an object of strings`)
  const notes: [string, string][] = []
  for (const [key, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw damaged(where, `${METADATA} must hold strings, ${key} is not one`)
    notes.push([key, text])
  }
  return Object.fromEntries(notes) // defines properties, so that a key `__proto__` is a key
}

function tensorEntry(name: string, entry: unknown, where: string): TensorEntry {
  const wrong = (problem: string) => damaged(where, `tensor ${name}: ${problem}`)
  if (!isObject(entry) || Object.keys(entry).toSorted().join() !== 'data_offsets,dtype,shape')
    throw wrong('it must have exactly dtype, shape and data_offsets')
  const { dtype, shape, data_offsets: offsets } = entry
  if (dtype !== 'F32') throw wrong(`dtype must be F32, found ${JSON.stringify(dtype)}`)
  if (!isCountArray(shape) || shape.length > DIMENSIONS_MAX)
    throw wrong(`shape must be at most ${DIMENSIONS_MAX} whole numbers, found ${JSON.stringify(shape)}`)
  if (!isCountArray(offsets) || offsets.length !== 2)
    throw wrong(`data_offsets must be two whole numbers, found ${JSON.stringify(offsets)}`)
  const [start, end] = offsets
  if (elementCount(shape) * 4 !== end - start)
    throw wrong(`shape [${shape.join(', ')}] takes ${elementCount(shape) * 4} bytes, found ${end - start}`)
  return { name, shape, start, end }
}

function elementCount(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

function isCountArray(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function damaged(where: string, problem: string, cause?: unknown): NearrankError {
  return new NearrankError(
    'DAMAGED',
    `Cannot read ${where}: ${problem}. The file is damaged or is not a float32 safetensors file; restore it from a copy or write it again`,
    { cause },
  )
}
