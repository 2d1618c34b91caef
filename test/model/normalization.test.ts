import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateDict } from '../../src/model/network.ts'
import { foldNormalization, normalizationOf, unfoldNormalization } from '../../src/model/normalization.ts'
import { Random } from '../../src/random.ts'

const random = new Random(5)
const MEANS = [3, -2, 0.5, 1.7e18, 1e12, 2e-42, 40]
const DEVIATIONS = [2, 0.1, 0, 0, 1e4, 1e-42, 1e30]
const IGNORED = [3, 4, 5]
const OUTPUTS = 4

function randomState(): StateDict {
  const some = (length: number) => Float32Array.from({ length }, () => random.normal())
  return new Map([
    ['model.0.weight', { shape: [OUTPUTS, MEANS.length], data: some(OUTPUTS * MEANS.length) }],
    ['model.0.bias', { shape: [OUTPUTS], data: some(OUTPUTS) }],
  ])
}

/** The first layer, in float64. */
function outputsOf(state: StateDict, x: readonly number[]): number[] {
  const weight = state.get('model.0.weight')!.data
  return Array.from(state.get('model.0.bias')!.data, (bias, j) =>
    x.reduce((sum, value, i) => sum + weight[j * x.length + i] * value, bias),
  )
}

function assertClose(found: readonly number[], wanted: readonly number[]): void {
  for (const [i, value] of found.entries())
    assert.ok(Math.abs(value - wanted[i]) < 1e-4, `${found.join(' ')} in place of ${wanted.join(' ')}`)
}

test('numbers that float32 cannot tell apart, or that are tiny, are not learned from', () => {
  const { scale } = normalizationOf(MEANS, DEVIATIONS)
  assert.deepEqual(Array.from(scale), [1 / 2, 1 / 0.1, 1, 0, 0, 0, 1 / 1e30])
  assert.equal(normalizationOf([2 ** 20], [0]).scale[0], 1)
  assert.equal(normalizationOf([-(2 ** 20) - 1], [0]).scale[0], 0)
})

test('folded, a network gives for raw numbers what it gave for normalised ones, whatever the ignored are', () => {
  const normalization = normalizationOf(MEANS, DEVIATIONS)
  const { mean, scale } = normalization
  for (let round = 0; round < 50; round++) {
    const state = randomState()
    const folded = foldNormalization(state, normalization)
    const raw = MEANS.map((value, i) => value + DEVIATIONS[i] * random.normal())
    const wanted = outputsOf(
      state,
      raw.map((value, i) => (value - mean[i]) * scale[i]),
    )
    assertClose(outputsOf(folded, raw), wanted)
    for (const i of IGNORED) raw[i] *= -3
    assertClose(outputsOf(folded, raw), wanted)
    for (const { data } of folded.values()) assert.ok(data.every(Number.isFinite))
  }
})

test('unfolded, a network of raw numbers gives the same, with the mean for what is ignored', () => {
  const [means, deviations] = [MEANS.with(3, 1e7).with(4, -3e6), DEVIATIONS]
  const normalization = normalizationOf(means, deviations)
  const { mean, scale } = normalization
  for (let round = 0; round < 50; round++) {
    const state = randomState()
    const weight = state.get('model.0.weight')!.data
    for (const i of [3, 4, 6]) // not so large that float32 has nothing left
      for (let j = 0; j < OUTPUTS; j++) weight[j * means.length + i] *= i === 6 ? 1e-30 : 1e-7
    const raw = means.map((value, i) =>
      IGNORED.includes(i) ? value : value + deviations[i] * random.normal(),
    )
    const unfolded = unfoldNormalization(state, normalization)
    const normalised = raw.map((value, i) => (value - mean[i]) * scale[i])
    assertClose(outputsOf(unfolded, normalised), outputsOf(state, raw))
    assertClose(outputsOf(foldNormalization(unfolded, normalization), raw), outputsOf(state, raw))
  }
})
