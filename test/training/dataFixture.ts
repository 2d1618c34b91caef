import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { generate, type GenerateOptions } from '../../src/dataset/generator/generate.ts'

/** A folder that is gone after the test file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nearrank-'))
  after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A small data set of the reference's kind: 30,000 clicks in 4 files, 4,000 test clicks, 400 users, 150 restaurants. */
export async function smallData(
  sizes: Partial<GenerateOptions> = {},
): Promise<{ data: string; folder: string }> {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  await generate({
    out: data,
    rows: 30_000,
    testRows: 4_000,
    users: 400,
    restaurants: 150,
    requests: 5,
    candidates: 20,
    files: 4,
    testFiles: 2,
    seed: 3,
    threads: 1,
    ...sizes,
  })
  return { data, folder }
}
