import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { smallData } from './training/dataFixture.ts'

const FOLDER = fileURLToPath(new URL('../examples', import.meta.url))
const { data, folder } = await smallData()
const model = join(folder, 'model')

async function example(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(FOLDER, name), ...args])
  return stdout
}

test('the examples run against the built package, one after another', async () => {
  assert.match(
    await example('train.ts', data, model),
    /epoch 2: loss 0\.\d+, \d+ rows\/s\naccuracy on the test set: 0\.\d{4}\n/,
  )
  assert.match(
    await example('evaluate.ts', data, model),
    /accuracy 0\.\d+, majority class 0\.\d+\nlog loss 0\.\d+, best possible 0\.\d+/,
  )
  const { restaurants } = JSON.parse(await example('rank.ts', model)) as {
    restaurants: { id: string; score: number; displacement: number }[]
  }
  assert.equal(restaurants.length, 2)
  assert.ok(restaurants[0].score >= restaurants[1].score && restaurants[1].score > 0)
  assert.deepEqual(
    readdirSync(FOLDER).toSorted(),
    ['evaluate.ts', 'rank.ts', 'train.ts'],
    'every example is run here',
  )
})
