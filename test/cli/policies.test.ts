import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { evaluate, recommend, train, type TrainEvent } from '../../src/index.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { runCli, runCliLines } from './runCli.ts'

/** All that would be chosen for few rows is given, so that nothing is said of it. */
const FEW = { epochs: 1, batchSize: 100, warmupSteps: 2, validation: 0.1 }
const SETTINGS = { ...FEW, hidden: [4], checkpointSeconds: 0, threads: 1 }
const POLICIES = { onDuplicate: 'first', onBadPlace: 'drop', clickThreshold: 4 } as const
const FLAGS = '--on-duplicate first --on-bad-place drop --on-missing drop --click-threshold 4'.split(' ')
const QUICK = '--epochs 1 --hidden 4 --batch-size 100 --checkpoint-seconds 0 --threads 1 --turbo off'.split(
  ' ',
)

/** 50 users and one of them again, 40 restaurants of which two have no place, ratings from 1 to 5. */
async function writeDirtyData(data: string): Promise<void> {
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT i % 50 AS user_id, (i % 7)::FLOAT AS f00 FROM range(51) t(i)`,
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, (i % 9)::FLOAT AS f00, if(i < 2, NULL, 13.5)::DOUBLE AS latitude,
       100.5::DOUBLE AS longitude FROM range(40) t(i)`,
  )
  for (const [file, rows] of [
    ['train/a', 2000],
    ['test/a', 400],
  ] as const)
    await writeParquetFile(
      data,
      `${file}.parquet`,
      `SELECT if(i = 7, NULL, i % 50) AS user_id, if(i = 8, 99, i % 40) AS restaurant_id, i * 3 % 5 + 1 AS click
       FROM range(${rows}) t(i)`,
    )
}

/** What a person is told; the counts follow from the formulas above. */
const NOTE =
  'Some rows of the data were left out, as the options say: rows of users: 1 with the id of another row; ' +
  'rows of restaurants: 2 without a valid place; ' +
  'training clicks: 1 without features, 1 without an id, a label, a weight or a group, 100 on restaurants without a valid place; ' +
  'test clicks: 1 without features, 1 without an id, a label, a weight or a group, 20 on restaurants without a valid place.'

const DROPPED = {
  users: { duplicateIds: 1, badPlaces: 0, nullIds: 0 },
  restaurants: { duplicateIds: 0, badPlaces: 2, nullIds: 0 },
  train: { noFeatures: 1, nulls: 1, badPlace: 100 },
  test: { noFeatures: 1, nulls: 1, badPlace: 20 },
}

async function trainingOf(model: string): Promise<Record<string, unknown>> {
  const text = await readFile(join(model, 'model.json'), 'utf8')
  return (JSON.parse(text) as { training: Record<string, unknown> }).training
}

describe('policies', async () => {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  await writeDirtyData(data)

  test('nearrank train asks for each by its flag, takes them, and tells what it left out', async () => {
    const model = join(folder, 'model')
    const line = ['train', '--data', data, '--out', model, ...QUICK]
    const asked = [
      [0, '--on-duplicate first'],
      [2, '--on-bad-place drop'],
      [4, '--click-threshold'],
    ] as const
    const refused = await runCliLines(asked.map(([given]) => [...line, ...FLAGS.slice(0, given)]))
    for (const [i, [, flag]] of asked.entries()) {
      const { code, stderr } = refused[i]
      assert.equal(code, 1)
      assert.ok(stderr.includes(`(${flag})`), stderr)
    }
    const { code, stderr } = await runCli([...line, ...FLAGS])
    assert.equal(code, 0, stderr)
    assert.ok(stderr.includes(NOTE), stderr)
    const { policies, dropped } = await trainingOf(model)
    assert.deepEqual(policies, POLICIES)
    assert.deepEqual(dropped, DROPPED)
    const report = await readFile(join(model, 'report.md'), 'utf8')
    assert.match(report, /\| left out of the data \| rows of users: 1 with .* valid place \|/)

    // The model remembers what its labels and features mean, but not which clicks may be missing.
    const args = ['evaluate', '--data', data, '--model', model]
    const [evaluated, dropping] = await runCliLines([args, [...args, '--on-missing', 'drop', '--json']])
    assert.match(
      evaluated.stderr,
      /user_id must hold an id in every row, row 7 holds null.*--on-missing drop/,
    )
    const { rows } = JSON.parse(dropping.stdout) as { rows: number }
    assert.equal(rows, 400 - 22)
  })

  test('the same from a config file, and from the library', async () => {
    const model = join(folder, 'configured')
    const config = join(folder, 'train.json')
    await writeFile(config, JSON.stringify({ ...SETTINGS, ...POLICIES, onMissing: 'drop', data, out: model }))
    const { code, stderr } = await runCli(['train', '--config', config])
    assert.equal(code, 0, stderr)
    assert.ok(stderr.includes(NOTE), stderr)

    const again = join(folder, 'again')
    const events: TrainEvent[] = []
    await train({
      ...SETTINGS,
      ...POLICIES,
      onMissing: 'drop',
      data,
      out: again,
      onProgress: (event) => events.push(event),
    })
    const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
    const features = 'Features of the users: f00; of the restaurants: f00.'
    assert.deepEqual(notes, [NOTE, features], 'of packs that were there')
    const weights = (folderOf: string) => readFile(join(folderOf, 'weights.safetensors'))
    assert.deepEqual(await weights(again), await weights(model))

    const { rows } = await evaluate({ data, model, onMissing: 'drop' })
    assert.equal(rows, 378)
    const stricter = await evaluate({ data, model, onMissing: 'drop', clickThreshold: 5 })
    assert.ok(stricter.clickRate < (await evaluate({ data, model, onMissing: 'drop' })).clickRate)
    const place = { latitude: 13.5, longitude: 100.5, maxDistM: 1000, sortByDistance: false }
    const { restaurants, unknown } = await recommend(
      { user: 7, request: { ...place, size: 100, candidateRestaurantIds: [0, 1, 2, 3] } },
      { data, model },
    )
    assert.deepEqual(new Set(restaurants.map(({ id }) => id)), new Set([2, 3]))
    assert.deepEqual(unknown, [0, 1])
    await assert.rejects(
      recommend(
        { user: 7, request: { ...place, size: 1, candidateRestaurantIds: null } },
        { data, model, onDuplicate: 'fail' },
      ),
      isError('INPUT', /user_id must hold every id once/),
    )
  })

  test('nothing is told where nothing is left out', async () => {
    const model = join(folder, 'clean')
    const clean = `SELECT * FROM '${join(data, 'train/a.parquet')}' WHERE user_id IS NOT NULL AND restaurant_id < 40`
    for (const file of ['clean/a.parquet', 'clean/test.parquet']) await writeParquetFile(data, file, clean)
    await writeParquetFile(
      data,
      'users.parquet',
      `SELECT DISTINCT * FROM '${join(data, 'user_features.parquet')}' WHERE f00 >= 0 QUALIFY row_number() OVER (PARTITION BY user_id) = 1`,
    )
    await writeParquetFile(
      data,
      'places.parquet',
      `SELECT * REPLACE (13.5::DOUBLE AS latitude) FROM '${join(data, 'restaurant_features.parquet')}'`,
    )
    const notes: string[] = []
    await train({
      ...SETTINGS,
      onMissing: 'drop',
      onDuplicate: 'last',
      onBadPlace: 'drop',
      clickThreshold: 3,
      userFile: 'users.parquet',
      restaurantFile: 'places.parquet',
      trainFiles: 'clean/*.parquet',
      testFiles: 'clean/test.parquet',
      data,
      out: model,
      onProgress: (event) => event.type === 'note' && notes.push(event.message),
    })
    assert.deepEqual(
      notes.filter((note) => !note.startsWith('Features ')),
      [
        'Parquet files in the data folder that were not read: restaurant_features.parquet, test/a.parquet, train/a.parquet, user_features.parquet.',
      ],
    )
    const { policies, dropped } = await trainingOf(model)
    assert.deepEqual(policies, { onDuplicate: 'last', onBadPlace: 'drop', clickThreshold: 3 })
    assert.equal(dropped, undefined)
    assert.doesNotMatch(await readFile(join(model, 'report.md'), 'utf8'), /left out of the data/)
    await train({
      ...SETTINGS,
      onMissing: 'drop',
      clickThreshold: 3,
      userFile: 'users.parquet',
      restaurantFile: 'places.parquet',
      trainFiles: 'clean/*.parquet',
      testFiles: 'clean/test.parquet',
      data,
      out: model,
    })
    assert.deepEqual((await trainingOf(model)).policies, { clickThreshold: 3 })
  })
})
