import { existsSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NearrankError } from './errors.ts'
import { isMissing, resolveTarget } from './files.ts'

const FIRST_BYTES = 64
const FILES_OF_MODELS = ['model.json', 'weights.safetensors']

/**
 * Proves that a file may be written as `path`, for use before work begins that ends in writing it: nothing is
 * there, or a file that `isOurs` knows by its first bytes. Among a model's own files nothing else may be.
 * `what`: the file, for messages.
 * @throws NearrankError INPUT; system errors as they are, but for a missing file.
 */
export async function checkFileToReplace(
  path: string,
  what: string,
  isOurs: (first: Buffer, path: string) => boolean | Promise<boolean>,
): Promise<void> {
  const target = await resolveTarget(path)
  const refuse = (problem: string) =>
    new NearrankError('INPUT', `Cannot write ${what} ${path}: ${problem}; choose another path`)
  if (FILES_OF_MODELS.every((name) => existsSync(join(dirname(target), name))))
    throw refuse("the folder of a model may hold only the model's own files")
  const first = await firstBytes(target)
  if (first.length > 0 && !(await isOurs(first, target)))
    throw refuse('another file is there, which would be lost')
}

/** None if it is empty, or there is no such file; what is no file is refused by who writes. */
async function firstBytes(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) return Buffer.alloc(0)
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_BYTES))
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0)
    throw error
  }
}
