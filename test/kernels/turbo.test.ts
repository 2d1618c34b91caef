import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { bindKernels, compileKernels, createMemory } from '../../src/kernels/kernels.ts'
import { checkKernels } from '../../src/kernels/checkKernels.ts'
import { compileWithTurbo } from '../../src/kernels/turbo.ts'

// The flag holds for a whole process, so a process of its own tries it.
const TRY = `
  import { bindKernels, createMemory } from '${new URL('../../src/kernels/kernels.ts', import.meta.url).href}'
  import { compileTurboKernels } from '${new URL('../../src/kernels/turbo.ts', import.meta.url).href}'
  for (const simd of ['relaxed', 'strict']) bindKernels(compileTurboKernels(simd), createMemory(65536)).peak(0, 1)
  console.log('passed')
`

test('the revectorized kernels of both builds pass the self-check', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', TRY])
  assert.equal(stdout, 'passed\n')
})

test('the self-check finds a kernel that computes something else, at once or only once it is optimised', () => {
  const memory = createMemory(2 ** 20)
  const floats = new Float32Array(memory.buffer)
  for (const simd of ['relaxed', 'strict'] as const) {
    const good = bindKernels(compileKernels(simd), memory)
    checkKernels(good, memory.buffer)
    for (const [wrongFrom, factor] of [
      [0, 1.001],
      [2000, 1 + 2 ** -22], // a bit of difference, once it is optimised
    ]) {
      let calls = 0
      const bad = {
        ...good,
        gemm: (...args: Parameters<typeof good.gemm>) => {
          good.gemm(...args)
          if (calls++ >= wrongFrom) floats[args[0] / 4 + 3] *= factor
        },
      }
      assert.throws(() => checkKernels(bad, memory.buffer), /self-check/)
    }
  }
})

test('the self-check covers the kernels of embeddings too', () => {
  const memory = createMemory(2 ** 20)
  const floats = new Float32Array(memory.buffer)
  const good = bindKernels(compileKernels('strict'), memory)
  for (const [wrongFrom, factor] of [
    [0, 1.001],
    [4000, 1 + 2 ** -22],
  ]) {
    let calls = 0
    const spoil = (at: number) => {
      if (calls++ >= wrongFrom) floats[at] *= factor
      return 0
    }
    const embed = (...args: Parameters<typeof good.embed>) => {
      good.embed(...args)
      spoil(args[0] / 4 + 20) // of the second row
    }
    const embeddingAdam = (...args: Parameters<typeof good.embeddingAdam>) => {
      good.embeddingAdam(...args)
      return spoil(args[1] / 4 + 2) // a first moment
    }
    assert.throws(() => checkKernels({ ...good, embed }, memory.buffer), /self-check/)
    calls = 0
    assert.throws(() => checkKernels({ ...good, embeddingAdam }, memory.buffer), /self-check/)
  }
})

test('auto: for long runs only, and without it where the self-check fails; on: an error there', () => {
  const notes: string[] = []
  let compiled = 0
  const compile = (turbo: 'off' | 'auto' | 'on', rows: number, isSound = true) =>
    compileWithTurbo('strict', { turbo, rows, report: (note) => notes.push(note) }, (simd) => {
      compiled++
      if (!isSound) throw new Error('it computes something else')
      return compileKernels(simd)
    }).turbo
  assert.equal(compile('off', 1e9), false)
  assert.equal(compile('auto', 4_999_999), false)
  assert.equal(compiled, 0)
  assert.equal(compile('auto', 5e6), true)
  assert.equal(compile('on', 1), true)
  assert.deepEqual(notes, [])
  assert.equal(compile('auto', 5e6, false), false)
  assert.deepEqual(notes, ['it computes something else: continuing without it'])
  assert.throws(() => compile('on', 1, false), /something else/)
})
