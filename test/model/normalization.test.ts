import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateDict } from '../../src/model/network.ts'
import { foldNormalization, normalizationOf, unfoldNormalization } from '../../src/model/normalization.ts'
import { Random } from '../../src/random.ts'

const random = new Random(5)
// Ordinary ones, constants small and large, one far from zero for its spread, tiny ones, and huge ones.
const MEANS = [3, -2, 0.5, 1.7e18, 1e12, 2e-42, 40, -4e6]
const DEVIATIONS = [2, 0.1, 0, 0, 1e4, 1e-42, 1e30, 0]
const OUTPUTS = 4

function randomState(): StateDict {
  const some = (length: number) => Float32Array.from({ length }, () => random.normal())
  return new Map([
    ['model.0.weight', { shape: [OUTPUTS, MEANS.length], data: some(OUTPUTS * MEANS.length) }],
    ['model.0.bias', { shape: [OUTPUTS], data: some(OUTPUTS) }],
  ])
}

/** The first layer as a server computes it: every number and every sum is a float32. */
function outputsOf(state: StateDict, x: readonly number[]): number[] {
  const weight = state.get('model.0.weight')!.data
  return Array.from(state.get('model.0.bias')!.data, (bias, j) =>
    x.reduce((sum, value, i) => Math.fround(sum + weight[j * x.length + i] * Math.fround(value)), bias),
  )
}

function assertClose(found: readonly number[], wanted: readonly number[], tolerance: number): void {
  for (const [i, value] of found.entries())
    assert.ok(Math.abs(value - wanted[i]) < tolerance, `${found.join(' ')} in place of ${wanted.join(' ')}`)
}

test('a scale is that of the deviation, unless rounding would outweigh the numbers', () => {
  const { scale } = normalizationOf(MEANS, DEVIATIONS)
  const wanted = [1 / 2, 1 / 0.1, 1, 1 / 1.7e18, 2 ** 20 / 1e12, 2 ** 100, 1 / 1e30, 1 / 4e6]
  assert.deepEqual(Array.from(scale), wanted)
  assert.equal(normalizationOf([2 ** 20], [0]).scale[0], 1)
})

test('folded, a network gives for raw numbers in float32 what it gave for normalised ones', () => {
  const normalization = normalizationOf(MEANS, DEVIATIONS)
  const { mean, scale } = normalization
  for (let round = 0; round < 50; round++) {
    const state = randomState()
    const folded = foldNormalization(state, normalization)
    for (const { data } of folded.values()) assert.ok(data.every(Number.isFinite))
    const raw = MEANS.map((value, i) => Math.fround(value + DEVIATIONS[i] * random.normal()))
    const normalised = raw.map((value, i) => (value - mean[i]) * scale[i])
    // The weights of what is far from zero are of the order of 1, and it is told to a sixteenth.
    assertClose(outputsOf(folded, raw), outputsOf(state, normalised), 0.5)
  }
})

test('unfolded and folded again, a network of raw numbers is the same, whatever the numbers are now', () => {
  const normalization = normalizationOf(MEANS, DEVIATIONS)
  for (let round = 0; round < 50; round++) {
    const state = randomState()
    const weight = state.get('model.0.weight')!.data
    for (let i = 0; i < weight.length; i++) weight[i] /= 1 + Math.abs(MEANS[i % MEANS.length])
    const back = foldNormalization(unfoldNormalization(state, normalization), normalization)
    for (const [i, value] of back.get('model.0.weight')!.data.entries())
      assert.ok(
        Math.abs(value - weight[i]) <= 2e-7 * Math.abs(weight[i]),
        `${value} in place of ${weight[i]}`,
      )
    const bias = state.get('model.0.bias')!.data
    assertClose(Array.from(back.get('model.0.bias')!.data), Array.from(bias), 1e-4)
  }
})
