import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

/** What training makes of users with one more column, and of the clicks' column `at`, and says of them. */
async function featuresOf(column: string, options: Partial<TrainOptions>, at = 'NULL') {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const write = (name: string, sql: string) => writeParquetFile(data, name, sql)
  await write(
    'user_features.parquet',
    `SELECT i AS user_id, i % 9 AS age, ${column} AS it FROM range(200) t(i)`,
  )
  await write(
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, i % 5 AS price, 1.0 AS latitude, 2.0 AS longitude FROM range(30) t(i)`,
  )
  await write(
    'train/a.parquet',
    `SELECT i % 200 AS user_id, i % 30 AS restaurant_id, i % 2 AS click, ${at} AS at FROM range(400) t(i)`,
  )
  const notes: string[] = []
  const out = join(folder, 'model')
  await train({
    data,
    out,
    hidden: [4],
    epochs: 1,
    threads: 1,
    checkpointSeconds: 0,
    ...options,
    onProgress: (event: TrainEvent) => event.type === 'note' && notes.push(event.message),
  })
  const { description } = await loadModelFiles(out)
  return {
    features: description.features?.users ?? [],
    notes: notes.filter((note) => note.startsWith('Feature ')),
  }
}

async function notesOf(...args: Parameters<typeof featuresOf>): Promise<string[]> {
  return (await featuresOf(...args)).notes
}

const time = { features: { 'user.it': { kind: 'time' } } } as const

test('integers as times are milliseconds; others are pointed out', async () => {
  const day = '1_600_000_000 + i * 1_000_000'
  assert.deepEqual(await notesOf(day, time), [
    'Feature user.it is on average 20 days after 1970: its integers look like seconds, and are taken for milliseconds. Write milliseconds or timestamps.',
  ])
  assert.match((await notesOf(`(${day}) * 1_000_000`, time))[0], /look like microseconds/)
  assert.deepEqual(await notesOf(`(${day}) * 1000`, time), [])
  assert.deepEqual(await notesOf(`make_timestamp((${day}) * 1_000_000)`, {}), [])
  assert.match(
    (await notesOf('i % 7', { features: { 'context.at': { kind: 'time', parts: ['hour'] } } }, day))[0],
    /^Feature context\.at .* look like seconds/,
  )
})

test('integers as times: a missing one is the mean day', async () => {
  const { features } = await featuresOf(`if(i % 4 = 0, NULL, (19_000 + i) * 86_400_000)`, time)
  const it = features.find(({ name }) => name === 'it') ?? assert.fail()
  assert.ok(it.kind === 'time' && Math.abs(it.missing.value - 19_100) < 1, JSON.stringify(it))
})

test('a feature of which every value is too rare is pointed out', async () => {
  const rare = { kind: 'category', minCount: 50 } as const
  assert.deepEqual(await notesOf(`'t' || i % 9`, { features: { 'user.it': rare } }), [
    'Feature user.it says nothing: no value of it is in as many rows as its minCount. Declare a smaller minCount, or false to leave it out.',
  ])
  const list = { kind: 'categories', minCount: 50 } as const
  assert.equal((await notesOf(`['t' || i % 9]`, { features: { 'user.it': list } })).length, 1)
  assert.deepEqual(await notesOf(`'t' || i % 3`, { features: { 'user.it': rare } }), [])
  const hashed = { kind: 'category', buckets: 8 } as const
  assert.deepEqual(await notesOf(`'t' || i % 9`, { features: { 'user.it': hashed } }), [])
})
