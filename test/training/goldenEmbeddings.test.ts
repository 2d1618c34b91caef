import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Network, StateDict } from '../../src/model/network.ts'
import { CrewHarness, relativeError } from './crewHarness.ts'

/** What scripts/golden/makeEmbeddingGolden.py writes, see the README there. */
interface Golden {
  network: Network
  adam: { learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecay: number }
  batches: { numbers: number[][]; codes: number[][][]; clicks: number[] }[]
  losses: number[]
  initial: Tensors
  final: Tensors
}

type Tensors = Record<string, { shape: number[]; data: number[] }>

function readGolden(name: string): Golden {
  return JSON.parse(
    readFileSync(new URL(`../kernels/golden/${name}.json`, import.meta.url), 'utf8'),
  ) as Golden
}

function stateOf(tensors: Tensors): StateDict {
  return new Map(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data) },
    ]),
  )
}

for (const name of ['embedded', 'embeddedAlone', 'embeddedDirect'])
  for (const simd of ['relaxed', 'strict'] as const)
    test(`${name} network, ${simd} build: losses and weights as PyTorch's with SparseAdam, relative error < 1e-5`, async () => {
      const { network, adam, batches, losses, initial, final } = readGolden(name)
      const harness = new CrewHarness({
        network,
        batches: batches.map(({ numbers, codes, clicks }) => {
          return { features: Float32Array.from(numbers.flat()), codes, clicks }
        }),
        initial: stateOf(initial),
        settings: adam,
        simd,
      })
      try {
        assert.deepEqual(harness.parameters, stateOf(initial), 'the layout gives back what it was given')
        for (const [step, wanted] of losses.entries()) {
          const loss = await harness.step(step % batches.length)
          assert.ok(Math.abs(loss / wanted - 1) < 1e-5, `loss of step ${step + 1}: ${loss}, not ${wanted}`)
        }
        const found = harness.parameters
        assert.deepEqual([...found.keys()], Object.keys(final))
        for (const [tensor, { data, shape }] of Object.entries(final)) {
          const { data: own, shape: ownShape } = found.get(tensor)!
          assert.deepEqual(ownShape, shape)
          assert.ok(relativeError(own, data) < 1e-5, `${tensor}: ${relativeError(own, data)}`)
          assert.ok(relativeError(initial[tensor].data, data) > 1e-2, `${tensor} must have moved`)
        }
        // No row has the last code of a table: neither moved by a bit, nor did its moments move it.
        for (const { name: feature, dim } of network.embeddings!) {
          const tensor = `embedding.${feature}.weight`
          const last = Float32Array.from(initial[tensor].data.slice(-dim))
          assert.deepEqual(found.get(tensor)!.data.slice(-dim), last)
        }
      } finally {
        await harness.close()
      }
    })
