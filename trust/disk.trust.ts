import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../src/random.ts'
import { smallData } from '../test/training/dataFixture.ts'
import { trainProcess } from '../test/training/trainProcess.ts'
import { counted, trust } from './trust.ts'

const FAULTS = new URL('failingDisk.ts', import.meta.url).href
const SETTINGS = '--hidden 8 --batch-size 256 --epochs 2 --validation 0.05 --checkpoint-seconds 0.01'.split(
  ' ',
)
const ERRNOS = ['ENOSPC', 'EIO', 'EDQUOT']

trust(
  'A disk that fails at any write of a training costs that run alone: a clear error, the earlier model whole, nothing left over',
  { small: 5, night: 1000 }, // operations that fail; at night each one does
  async ({ random, amount }) => {
    const { data, folder } = await smallData({ rows: 4_000, files: 1, testRows: 400, testFiles: 1 })
    const out = join(folder, 'model')
    const run = async (fault: string | undefined, ...more: string[]) => {
      await rm(join(data, '.nearrank'), { recursive: true, force: true }) // packing writes, too
      if (fault !== undefined) process.env.NEARRANK_FAILING_DISK = fault
      const flags = fault === undefined ? [] : ['--import', FAULTS]
      const child = trainProcess(['--data', data, '--out', out, ...SETTINGS, ...more], { flags })
      delete process.env.NEARRANK_FAILING_DISK
      return { code: await child.ended, said: child.said() }
    }
    const weights = async () =>
      createHash('sha256')
        .update(await readFile(join(out, 'weights.safetensors')))
        .digest('hex')
    const right = async (...more: string[]) => {
      const { code, said } = await run(undefined, ...more)
      assert.equal(code, 0, said)
      return weights()
    }
    const next = await right('--seed', '2')
    const earlier = await right('--seed', '1')
    const counts = join(folder, 'counts')
    assert.equal((await run(`count:${counts}`, '--seed', '1')).code, 0)
    const operations = (await readFile(counts, 'utf8')).trim().split('\n').flatMap(operationsOf)

    let failures = 0
    let survived = 0
    let unreached = 0
    const told = join(folder, 'told')
    const chosen = draw(operations, amount, random)
    for (const operation of chosen) {
      const fault = `${operation}:${ERRNOS[random.below(ERRNOS.length)]}:${told}`
      await rm(told, { force: true })
      const { code, said } = await run(fault, '--seed', '2')
      const hasFailed = existsSync(told)
      if (!hasFailed) {
        // Checkpoints go by time: this run had fewer operations.
        assert.equal(code, 0, said)
        unreached++
        assert.equal(await right('--seed', '1'), earlier)
      } else if (code === 0) {
        // A sync of a folder, say, that some file systems do not have: the model must be whole then.
        assert.equal(await weights(), next, fault)
        survived++
        assert.equal(await right('--seed', '1'), earlier)
      } else {
        assert.equal(code, 1, `${fault}: ${said}`)
        assert.match(said, /Cannot .*(disk|device|quota)/, `${fault}: ${said}`)
        assert.doesNotMatch(said, /bug in Nearrank/, fault)
        assert.equal(await weights(), earlier, `${fault}: the earlier model`)
        failures++
      }
      assert.deepEqual(
        [...(await leftovers(folder)), ...(await leftovers(join(data, '.nearrank')))],
        [],
        fault,
      )
      // Of the run that failed, kept on purpose.
      for (const kept of ['.checkpoint', '.checkpoint.previous']) await rm(`${out}${kept}`, { force: true })
    }
    assert.ok(failures > 0, 'some operation failed')
    return `${counted(chosen.length)} of the ${counted(operations.length)} writes, syncs, renames and openings of a run failed (${ERRNOS.join(', ')}): ${counted(failures)} ended with an error that names the disk, ${counted(survived)} ended well without it, ${counted(unreached)} did not come to it; the model there stayed whole each time`
  },
)

/** So many of them without one twice, in random order; all if there are fewer. */
function draw(from: string[], count: number, random: Random): string[] {
  const rest = [...from]
  return Array.from(
    { length: Math.min(count, from.length) },
    () => rest.splice(random.below(rest.length), 1)[0],
  )
}

/** A line `role count`: each operation as `role:n`. */
function operationsOf(line: string): string[] {
  const [role, count] = line.split(' ')
  return Array.from({ length: Number(count) }, (_, i) => `${role}:${1 + i}`)
}

async function leftovers(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => /\.(new|old|del)-/.test(name))
}
