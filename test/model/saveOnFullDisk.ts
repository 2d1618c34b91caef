// Child process of fullDisk.test.ts, in a place with little space: saves a small model, then one that cannot fit.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NearrankError } from '../../src/errors.ts'
import { writeFileAtomic } from '../../src/files.ts'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import type { Network } from '../../src/model/network.ts'
import { modelContent, randomWeights, SMALL_NETWORK } from './modelFixtures.ts'

const place = process.argv[2]
const directory = join(place, 'model')
const big: Network = { userFeatures: 30, restaurantFeatures: 10, hidden: [512], activations: ['relu'] }

const errors: string[] = []
for (const act of [
  () => save(SMALL_NETWORK, 1),
  () => save(big, 2),
  () => writeFileAtomic(join(directory, '..', 'checkpoint'), new Uint8Array(100_000)),
])
  await act().catch((error: unknown) =>
    errors.push(`${error instanceof NearrankError ? error.code : 'BUG'} ${messageOf(error)}`),
  )
const { settings } = (await loadModelFiles(directory)).description
process.stdout.write(JSON.stringify({ errors, settings, entries: await readdir(place) }))

function save(network: Network, seed: number): Promise<void> {
  return saveModel(directory, {
    description: modelContent(network, seed),
    weights: randomWeights(network, seed),
    report: '',
  })
}
