import { type FileHandle, open } from 'node:fs/promises'
import { contentsOf, damaged, HEADER_BYTES_MAX, sealIn, sealOf, type TensorEntry } from './safetensors.ts'

const CHUNK_BYTES = 2 ** 20

/** A file with our checksum, which holds; its tensors have not been read. */
export interface SafetensorsFile {
  metadata: Record<string, string>
  tensors: Map<string, TensorEntry & { position: number }> // position: of its first byte in the file
}

/**
 * Reads a file as `decodeSafetensors` does, and checks the same, without ever holding it in memory.
 * @throws NearrankError DAMAGED, naming what is wrong; system errors as they are.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = await readHead(file, size, path)
    const seal = sealIn(head)
    if (seal === undefined) throw damaged(path, 'the header must begin with a checksum, found none')
    const hash = sealOf(head)
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size))
    for (let position = head.length; position < size; ) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
      if (bytesRead === 0) break // it has become shorter: the checksum tells
      hash.update(chunk.subarray(0, bytesRead))
      position += bytesRead
    }
    if (seal !== hash.digest('hex')) throw damaged(path, 'its content does not match its checksum')
    const { entries, metadata } = contentsOf(head.subarray(8), size - head.length, path)
    const tensors = new Map(
      entries.map((entry) => [entry.name, { ...entry, position: head.length + entry.start }]),
    )
    return { metadata, tensors }
  } finally {
    await file.close()
  }
}

/** One of its tensors, into `target`, which has as many numbers. */
export async function readTensorInto(
  path: string,
  { position, start, end }: TensorEntry & { position: number },
  target: Float32Array,
): Promise<void> {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
  if (bytes.length !== end - start)
    throw damaged(path, `a tensor must take ${bytes.length} bytes, it takes ${end - start}`)
  const file = await open(path, 'r')
  try {
    for (let done = 0; done < bytes.length; ) {
      const length = Math.min(CHUNK_BYTES, bytes.length - done)
      const { bytesRead } = await file.read(bytes, done, length, position + done)
      if (bytesRead === 0) throw damaged(path, 'it has become shorter')
      done += bytesRead
    }
  } finally {
    await file.close()
  }
}

async function readHead(file: FileHandle, size: number, path: string): Promise<Uint8Array> {
  if (size < 8) throw damaged(path, `it must be at least 8 bytes long, found ${size}`)
  const length = new Uint8Array(8)
  await file.read(length, 0, 8, 0)
  const headerLength = Number(new DataView(length.buffer).getBigUint64(0, true))
  const headerLengthMax = Math.min(HEADER_BYTES_MAX, size - 8)
  if (headerLength > headerLengthMax)
    throw damaged(path, `the header must be at most ${headerLengthMax} bytes long, it says ${headerLength}`)
  const head = new Uint8Array(8 + headerLength)
  await file.read(head, 0, head.length, 0)
  return head
}
