import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import { Random } from '../../src/random.ts'
import { modelContent, randomWeights, SMALL_NETWORK, temporaryDirectory } from './modelFixtures.ts'

const KILLS = 16
const SAVE_LOOP = fileURLToPath(new URL('saveLoop.ts', import.meta.url))

/** Saves models from `firstSeed` on in a child, kills it `delayMs` after the first; the last seed it said was saved. */
async function saveUntilKilled(directory: string, firstSeed: number, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [SAVE_LOOP, directory, `${firstSeed}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  await once(child.stdout, 'data')
  await sleep(delayMs)
  child.kill('SIGKILL')
  const [, signal] = await once(child, 'close')
  assert.equal(signal, 'SIGKILL', 'the child was saving when it was killed')
  return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
}

test(`a save killed at any moment leaves the earlier model or the new one, whole (${KILLS} kills)`, async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  const random = new Random(Date.now())
  let interrupted = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const firstSeed = kill * 100_000
    const lastSaid = await saveUntilKilled(directory, firstSeed, random.float() * 40)
    interrupted += (await readdir(parent)).length > 1 ? 1 : 0
    const { description, weights } = await loadModelFiles(directory)
    const { seed } = description.settings as { seed: number }
    assert.ok(seed === lastSaid || seed === lastSaid + 1, `model ${seed} after ${lastSaid} was saved`)
    assert.deepEqual(weights, randomWeights(SMALL_NETWORK, seed))
    assert.equal(await readFile(join(directory, 'report.md'), 'utf8'), `# Model ${seed}\n`)
    assert.equal(await readFile(join(directory, 'report.html'), 'utf8'), `<h1>Model ${seed}</h1>\n`)
  }
  t.diagnostic(`${interrupted} of ${KILLS} kills left something half done beside the model`)
  assert.ok(interrupted > 0, 'no kill came in the middle of a save')

  await saveModel(directory, {
    description: modelContent(SMALL_NETWORK, 1),
    weights: randomWeights(SMALL_NETWORK, 1),
    report: '',
  })
  assert.deepEqual(await readdir(parent), ['model'], 'the next save cleans up')
})
