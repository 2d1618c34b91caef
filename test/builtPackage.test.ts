import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { smallData } from './training/dataFixture.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, 'examples')
const { data, folder } = await smallData()
const model = join(folder, 'model')

async function run(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, args, { cwd: ROOT })).stdout
}

test('the examples run against the built package, one after another', async () => {
  assert.match(
    await run(join(FOLDER, 'train.ts'), data, model),
    /epoch 2: loss 0\.\d+, \d+ rows\/s\naccuracy on the test set: 0\.\d{4}\n/,
  )
  assert.match(
    await run(join(FOLDER, 'evaluate.ts'), data, model),
    /accuracy 0\.\d+, majority class 0\.\d+\nlog loss 0\.\d+, best possible 0\.\d+/,
  )
  const { restaurants } = JSON.parse(await run(join(FOLDER, 'rank.ts'), model)) as {
    restaurants: { id: string; score: number; displacement: number }[]
  }
  assert.equal(restaurants.length, 2)
  assert.ok(restaurants[0].score >= restaurants[1].score && restaurants[1].score > 0)
  const uci = join(folder, 'uci')
  await cp(join(FOLDER, 'uci-restaurants'), uci, { recursive: true })
  assert.match(
    await run(join(FOLDER, 'realTables.ts'), uci, join(folder, 'uci-model')),
    /! .*column rating alone tells clicks from other rows.*\n34 features\naccuracy 0\.6\d+, majority class 0\.5579\n/s,
  )
  assert.deepEqual(
    readdirSync(FOLDER).toSorted(),
    ['evaluate.ts', 'rank.ts', 'realTables.ts', 'train.ts', 'uci-restaurants'],
    'every example is run here',
  )
})

test('the built package has its client', async () => {
  const source = "import { NearrankClient } from 'nearrank/client'; console.log(typeof NearrankClient)"
  assert.equal(await run('--input-type=module', '--eval', source), 'function\n')
})
