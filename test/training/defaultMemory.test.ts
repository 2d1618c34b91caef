import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultMemoryBytes } from '../../src/training/settings/defaultMemory.ts'
import { generateFew, runCli } from '../cli/runCli.ts'
import { temporaryFolder } from './dataFixture.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20

test('1 GiB, or three quarters of what the container or the machine has', () => {
  for (const [constrained, machine, wanted] of [
    [0, 16 * GIB, GIB], // no limit
    [2 ** 64, 16 * GIB, GIB], // no limit, as cgroup v1 has it
    [8 * GIB, 16 * GIB, GIB],
    [GIB, 16 * GIB, 768 * MIB],
    [512 * MIB, 16 * GIB, 384 * MIB],
    [32 * MIB, 16 * GIB, 64 * MIB], // the least that can be asked for
    [0, GIB, 768 * MIB],
    [4 * GIB, GIB, 768 * MIB],
  ])
    assert.equal(defaultMemoryBytes(constrained, machine), wanted, `${constrained} of ${machine}`)
})

test('train in a container keeps to its limit without being told', async () => {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  await generateFew(data)
  // What Node says in a container of 128 MiB.
  const container = `data:text/javascript,process.constrainedMemory = () => ${128 * MIB}`
  const { code, stderr } = await runCli(['train', '--data', data, '--out', join(folder, 'model')], {
    nodeFlags: ['--import', container],
  })
  assert.equal(code, 1)
  assert.match(stderr, /Cannot run within --max-memory 96 MiB/)
})
