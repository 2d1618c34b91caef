import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Spool } from '../../src/dataset/scores/spool.ts'

test('a spool gives its values back in order, and has no name that a killed process could leave', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nearrank-spool-'))
  try {
    const spool = new Spool(join(folder, 'values'))
    assert.deepEqual(await readdir(folder), [])
    spool.append(Float32Array.of(1, 2, 3))
    spool.append(Float32Array.of(4, Number.NaN))
    const [first, rest] = [new Float32Array(2), new Float32Array(3)]
    spool.nextInto(first)
    spool.nextInto(rest)
    assert.deepEqual([...first, ...rest], [1, 2, 3, 4, Number.NaN])
    assert.throws(() => spool.nextInto(first), { code: 'DISK', message: /shorter than it was/ })
    spool.close()
  } finally {
    await rm(folder, { recursive: true })
  }
})
