import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { bestSimd, bindKernels, compileKernels, createMemory } from '../../src/kernels/kernels.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { type RecordedAnswers, recordAnswers } from './recordAnswers.ts'
import { type RecordedRuns, recordRuns } from './recordRuns.ts'

const FILE = new URL('recorded.json', import.meta.url)

interface Recording extends RecordedRuns {
  answers: RecordedAnswers
}

/**
 * Weights, packs and answers as version 0.1 made them at commit 21ed5ac, bit for bit. With NEARRANK_RECORD=1 this test
 * makes the recording anew instead: only when other bits are intended.
 */
describe('as it was recorded', async () => {
  const skip = hasFusedKernels() ? false : 'the recording needs fused multiply-adds, which this machine lacks'
  const folder = await temporaryFolder()
  let made: Recording | undefined

  test('weights of all runs, the packed files and the answers to 300 requests', { skip }, async () => {
    const runs = await recordRuns(folder)
    made = { ...runs, answers: await recordAnswers(folder) }
    if (process.env.NEARRANK_RECORD === '1') writeFileSync(FILE, `${JSON.stringify(made, null, 2)}\n`)
    const recording = JSON.parse(readFileSync(FILE, 'utf8')) as Recording
    assert.deepEqual(made, recording)
  })

  test('threads and interruptions leave no trace, and every other run is another', { skip }, () => {
    const { runs } = made ?? assert.fail('the runs failed')
    const same = (a: string, b: string) => assert.equal(runs[a].weights, runs[b].weights, `${a}, ${b}`)
    same('reference, 1 thread', 'reference, 2 threads')
    same('default, 1 thread', 'default, 2 threads')
    same('default, 1 thread', 'default, stopped and resumed')
    same('default, 1 thread', 'default, for serving')
    assert.equal(
      new Set(Object.values(runs).map(({ weights }) => weights)).size,
      Object.keys(runs).length - 4,
    )
  })
})

/** Whether a product is rounded once with the sum: 1 + 2⁻¹² squared is then told from its rounding. */
function hasFusedKernels(): boolean {
  if (bestSimd() !== 'relaxed') return false
  const memory = createMemory(65_536)
  const f32 = new Float32Array(memory.buffer)
  const [c, a, b, init] = [1024, 2048, 4096, 8192]
  const value = 1 + 2 ** -12
  f32
    .fill(value, a / 4, a / 4 + 64)
    .fill(value, b / 4, b / 4 + 64)
    .fill(-(1 + 2 ** -11), init / 4, init / 4 + 64)
  bindKernels(compileKernels('relaxed'), memory).gemm(c, 8, a, 1, 1, b, 8, init, 8, 4, 8, 1)
  return f32[c / 4] === 2 ** -24
}
