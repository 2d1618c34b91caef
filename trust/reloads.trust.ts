import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../src/random.ts'
import { nanWeights, scoresOfModels, seedOf, USER, WISH } from '../test/server/manyModels.ts'
import {
  assertProblemAnswer,
  makeWorld,
  openConnections,
  rankedList,
  saveSeed,
  serveWorld,
} from '../test/server/serverFixture.ts'
import { counted, trust } from './trust.ts'

const MODELS = 7

trust(
  'Reloads under load: every list is of one model, what cannot be served is refused, and no request fails',
  { small: 60, night: 1000 },
  async ({ random, amount }) => {
    const world = await makeWorld()
    const seeds = Array.from({ length: MODELS }, (_, i) => 1 + i)
    const scores = await scoresOfModels(world, seeds)
    const { port } = await serveWorld(world)
    const [writer, ...readers] = await openConnections(port, 5)
    const over = new AbortController()
    let lists = 0
    const load = readers.slice(1).map(async (reader) => {
      while (!over.signal.aborted) {
        seedOf(await rankedList(reader, USER, WISH), scores)
        lists++
      }
    })
    let served = 1
    let refused = 0
    try {
      for (let reload = 0; reload < amount; reload++) {
        const isInvalid = random.below(5) === 0
        const next = 1 + ((served + random.below(MODELS - 1)) % MODELS)
        await rm(world.model, { recursive: true })
        await saveSeed(world.model, next)
        if (isInvalid) await damage(world.model, random)
        const answer = await writer.send('POST /admin/reload')
        if (isInvalid) {
          assertProblemAnswer(answer, 'MODEL_REJECTED')
          refused++
        } else {
          assert.equal(answer.status, 200, answer.body)
          served = next
        }
        assert.equal(
          seedOf(await rankedList(readers[0], USER, WISH), scores),
          served,
          `after reload ${reload}`,
        )
      }
    } finally {
      over.abort()
    }
    await Promise.all(load)
    return `${counted(amount)} reloads, ${counted(refused)} of them of damaged models, beside ${counted(lists)} lists: none failed, none mixed two models`
  },
)

/** Makes a model unservable in one of several ways. */
async function damage(model: string, random: Random): Promise<void> {
  const weights = join(model, 'weights.safetensors')
  const bytes = await readFile(weights)
  const kind = random.below(5)
  if (kind === 0) await nanWeights(model)
  else if (kind === 1) await writeFile(weights, bytes.subarray(0, random.below(bytes.length)))
  else if (kind === 2) await writeFile(join(model, 'model.json'), '{')
  else if (kind === 3) await rm(weights)
  else {
    bytes[random.below(bytes.length)] ^= 1 << random.below(8)
    await writeFile(weights, bytes)
  }
}
