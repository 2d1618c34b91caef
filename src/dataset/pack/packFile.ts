import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { messageOf } from '../../errors.ts'
import { damagedPack } from './packManifest.ts'

const PIECE_BYTES = 4 * 2 ** 20

/**
 * Reads a file of a pack in pieces of at most 4 MiB, each valid until the next is asked for; the checksum is
 * compared at the end. @throws NearrankError DAMAGED
 */
export async function* readPackFile(
  path: string,
  bytes: number,
  checksum: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw damagedPack(dirname(path), messageOf(error), error)
  })
  try {
    const piece = new Uint8Array(Math.min(bytes, PIECE_BYTES))
    let crc = 0
    for (let at = 0; at < bytes; at += piece.length) {
      const wanted = Math.min(piece.length, bytes - at)
      const part = piece.subarray(0, wanted)
      await readExactly(handle, part, at, path)
      crc = crc32(part, crc)
      yield part
    }
    if (crc !== checksum) throw damagedPack(dirname(path), `the checksum of ${path} does not match`)
  } finally {
    await handle.close()
  }
}

/** Fills `target` from `position` on. @throws NearrankError DAMAGED when the file ends before. */
export async function readExactly(
  handle: Awaited<ReturnType<typeof open>>,
  target: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let at = 0; at < target.length; ) {
    const { bytesRead } = await handle
      .read(target, at, target.length - at, position + at)
      .catch((error: unknown) => {
        throw damagedPack(dirname(path), `${path} cannot be read: ${messageOf(error)}`, error)
      })
    if (bytesRead === 0)
      throw damagedPack(dirname(path), `${path} ends at byte ${position + at}, more were written`)
    at += bytesRead
  }
}

/** A whole file of a pack, for the small ones. */
export async function readWholePackFile(
  path: string,
  bytes: number,
  checksum: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for await (const piece of readPackFile(path, bytes, checksum)) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
