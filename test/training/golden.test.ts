import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Network, StateDict } from '../../src/model/network.ts'
import { decodeSafetensors } from '../../src/model/safetensors.ts'
import { CrewHarness, relativeError } from './crewHarness.ts'

interface Golden {
  network: Network
  adam: { learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecay: number }
  batchRows: number[]
  samplePositions: Record<string, number[]>
  steps: { batch: number; loss: number; gradients: Record<string, { norm: number; sample: number[] }> }[]
}

function readGolden(name: string): { golden: Golden; tensors: StateDict } {
  const file = (ending: string) => new URL(`../kernels/golden/${name}.${ending}`, import.meta.url)
  const golden = JSON.parse(readFileSync(file('json'), 'utf8')) as Golden
  return { golden, tensors: decodeSafetensors(readFileSync(file('safetensors')), { where: name }).tensors }
}

function withPrefix(tensors: StateDict, prefix: string): StateDict {
  const chosen = [...tensors].filter(([name]) => name.startsWith(prefix))
  return new Map(chosen.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}

for (const name of ['reference', 'deep'])
  for (const simd of ['relaxed', 'strict'] as const)
    test(`${name} network, ${simd} build: losses, gradients and Adam steps as PyTorch's, relative error < 1e-4`, async () => {
      const { golden, tensors } = readGolden(name)
      const batches = golden.batchRows.map((_, i) => ({
        features: tensors.get(`batch${i}/features`)!.data,
        clicks: tensors.get(`batch${i}/clicks`)!.data,
      }))
      const initial = withPrefix(tensors, 'initial/')
      const harness = new CrewHarness({
        network: golden.network,
        batches,
        initial,
        settings: golden.adam,
        simd,
      })
      try {
        assert.deepEqual(harness.parameters, initial, 'the layout gives back what it was given')
        for (const [number, step] of golden.steps.entries()) {
          const loss = await harness.step(step.batch)
          assert.ok(
            Math.abs(loss / step.loss - 1) < 1e-5,
            `loss of step ${number + 1}: ${loss}, not ${step.loss}`,
          )
          for (const [tensor, wanted] of Object.entries(step.gradients)) {
            const found = harness.gradients.get(tensor)!.data
            assert.ok(wanted.norm > 0)
            const norm = Math.hypot(...found)
            assert.ok(Math.abs(norm / wanted.norm - 1) < 1e-4, `norm of ${tensor}, step ${number + 1}`)
            const sample = golden.samplePositions[tensor].map((i) => found[i])
            assert.ok(relativeError(sample, wanted.sample) < 1e-4, `${tensor}, step ${number + 1}`)
          }
          if (number === 0)
            for (const [tensor, { data }] of withPrefix(tensors, 'gradient/'))
              assert.ok(
                relativeError(harness.gradients.get(tensor)!.data, data) < 1e-5,
                `gradient of ${tensor}`,
              )
        }
        for (const [tensor, { data, shape }] of withPrefix(tensors, 'final/')) {
          const found = harness.parameters.get(tensor)!
          assert.deepEqual(found.shape, shape)
          assert.ok(relativeError(found.data, data) < 1e-4, `${tensor} after ${golden.steps.length} steps`)
          const moved = initial.get(tensor)!.data
          assert.ok(relativeError(moved, data) > 1e-3, `${tensor} must have moved for this to say anything`)
        }
      } finally {
        await harness.close()
      }
    })
