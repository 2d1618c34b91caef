import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFilledStore } from '../../src/live/openFilledStore.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { train } from '../../src/training/train.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { startCopy } from '../store/storeCopy.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { runCliLines } from './runCli.ts'

/** A model with a column that nobody would take unasked: names are different in every row. */
async function declaredModel() {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT 'u' || i AS user_id, 'name ' || i AS name, i % 4 AS level, i % 3 AS age FROM range(60) t(i)`,
  )
  await writeParquetFile(
    data,
    'places.parquet',
    `SELECT i AS restaurant_id, 'the ' || i AS name, i % 5 AS price, 10.0 AS latitude, i / 100.0 AS longitude FROM range(30) t(i)`,
  )
  await writeParquetFile(
    data,
    'train/clicks.parquet',
    `SELECT 'u' || (i % 60) AS user_id, i % 30 AS restaurant_id, i % 2 AS click FROM range(400) t(i)`,
  )
  const model = join(folder, 'model')
  await train({
    data,
    out: model,
    hidden: [4],
    validation: 0,
    restaurantFile: 'places.parquet',
    features: {
      'user.name': { kind: 'text', buckets: 16 },
      'user.level': { kind: 'category' },
      'user.age': false,
      'restaurant.name': { kind: 'text', buckets: 16 },
    },
    checkpointSeconds: 0,
    threads: 1,
  })
  const { description } = await loadModelFiles(model)
  return { data, model, description, store: (name: string) => `sqlite:${join(folder, name)}` }
}

test('load --model fills a store with what that model takes; without it, serving says how', async () => {
  const { data, model, description, store } = await declaredModel()
  const load = ['load', '--data', data, '--restaurant-file', 'places.parquet', '--json', '--store']
  const [own, unasked, again] = await runCliLines([
    [...load, store('own.db'), '--model', model],
    [...load, store('unasked.db')],
    [...load, store('unasked.db'), '--model', model],
  ])
  assert.equal(own.code, 0, own.stderr)
  const { users, restaurants } = JSON.parse(own.stdout)
  assert.deepEqual([users, restaurants], [60, 30])
  const filled = await openFilledStore({ store: store('own.db') }, description)
  const { rows } = await startCopy(filled.store)
  await filled.store.close()
  assert.deepEqual(JSON.parse(rows.users.get('u5')?.values ?? ''), [
    ['level', 1],
    ['name', 'name 5'],
  ])
  assert.equal(rows.users.size, 60)

  assert.equal(unasked.code, 0, unasked.stderr)
  const refused =
    /must hold the values of users by name \(name, level\), found vectors of 2 numbers.*nearrank load --model/
  await assert.rejects(openFilledStore({ store: store('unasked.db') }, description), refused)
  assert.equal(again.code, 1)
  assert.match(again.stderr, refused)
})

test('load --model without a model there', async () => {
  const { data, store } = await declaredModel()
  const [{ code, stderr }] = await runCliLines([
    ['load', '--data', data, '--store', store('s.db'), '--model', join(data, 'none')],
  ])
  assert.equal(code, 1)
  assert.match(stderr, /Cannot load a model from .*none/)
})
