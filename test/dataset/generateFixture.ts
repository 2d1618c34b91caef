import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerateOptions } from '../../src/dataset/generator/generate.ts'

/** A dataset that takes half a second. */
export const SMALL = {
  rows: 5003,
  testRows: 1501,
  users: 300,
  restaurants: 90,
  requests: 50,
  candidates: 40,
  files: 4,
  testFiles: 2,
  seed: 7,
  threads: 1,
} satisfies Partial<GenerateOptions>

/** Every file below a folder with a digest of its bytes. */
export async function digests(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found[path.slice(folder.length + 1)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return found
}
