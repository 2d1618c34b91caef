import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { formatModelFile } from '../../src/model/modelFile.ts'
import { encodeSafetensors } from '../../src/model/safetensors.ts'
import { Oracle, type Ranked, type Wish } from './oracle.ts'
import { CENTRE, saveSeed, type World } from './serverFixture.ts'

/** The user and the request by whose answer models are told apart. */
export const USER = 7
export const WISH: Wish = {
  ...CENTRE,
  candidate_restaurant_ids: [1, 2, 3, 4, 5, 6, 7, 8],
  max_dist: 1e6,
  size: 8,
}

/** What each model, told by its seed, answers to WISH: scores by restaurant. */
export async function scoresOfModels(world: World, seeds: number[]) {
  const places = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => world.restaurants.get(String(id))!)
  const scores = new Map<number, number[]>()
  for (const seed of seeds) {
    const model = join(world.folder, `model-${seed}`)
    await saveSeed(model, seed)
    const oracle = await Oracle.open(model, world)
    scores.set(seed, await oracle.scores(world.users.get(String(USER))!, places))
  }
  return scores
}

/** The seed of the one model that all scores of a list are of. */
export function seedOf(list: Ranked[], scores: Map<number, number[]>): number {
  assert.equal(list.length, 8)
  for (const [seed, expected] of scores)
    if (list.every(({ id, score }) => Math.abs(score - expected[Number(id) - 1]) < 1e-5)) return seed
  throw new Error(`the scores are of no one model: ${JSON.stringify(list)}`)
}

/** Makes a weight NaN and every checksum right again, as no tool of ours would. */
export async function nanWeights(model: string): Promise<void> {
  const { description, weights } = await loadModelFiles(model)
  for (const { data } of weights.values()) data[0] = Number.NaN
  const bytes = encodeSafetensors(weights, { format: 'pt' })
  description.weights.sha256 = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(model, 'weights.safetensors'), bytes)
  await writeFile(join(model, 'model.json'), formatModelFile(description))
}
