import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

type Columns = Record<string, string>

/** What training makes of users and of clicks with such columns, and says of them. */
async function featuresOf(columns: { users: Columns; clicks?: Columns }, options: Partial<TrainOptions>) {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const write = (name: string, sql: string) => writeParquetFile(data, name, sql)
  const named = (some: Columns = {}) =>
    Object.entries(some)
      .map(([name, value]) => `, ${value} AS ${name}`)
      .join('')
  await write(
    'user_features.parquet',
    `SELECT i AS user_id, i % 9 AS age${named(columns.users)} FROM range(200) t(i)`,
  )
  await write(
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, i % 5 AS price, 1.0 AS latitude, 2.0 AS longitude FROM range(30) t(i)`,
  )
  await write(
    'train/a.parquet',
    `SELECT i % 200 AS user_id, i % 30 AS restaurant_id, i % 2 AS click${named(columns.clicks)} FROM range(400) t(i)`,
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
    said: notes,
    notes: notes.filter((note) => note.startsWith('Feature ')).toSorted(),
  }
}

const time = { kind: 'time' } as const

test('what became a feature is told, and what did not, with the reason', async () => {
  const { said } = await featuresOf(
    {
      users: { city: "'c' || i % 5", constant: '1', name: "'n' || i" },
      clicks: { hour: 'i % 24', stars: 'i % 5' },
    },
    { contextFeatures: ['hour'] },
  )
  assert.deepEqual(
    said.filter((note) => /^(Features|Not used)/.test(note)),
    [
      'Features of the users: age, city; of the restaurants: price; of the clicks: hour.',
      'Not used as features of the users: constant (it has the same value in every row), name (nearly every row has another text).',
      'Not used of the clicks: stars. Name what is known before the click with --context-features.',
    ],
  )
  const { said: placed } = await featuresOf(
    { users: {}, clicks: { north: '1.0 + i % 5', east: '2.0 + i % 3', stars: 'i % 5' } },
    { features: { 'context.spot': { kind: 'cell', latitude: 'north', longitude: 'east' } } },
  )
  assert.ok(
    placed.some((note) => note.startsWith('Not used of the clicks: stars. ')),
    placed.join(),
  )
  const names = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`c${i}`, `i % ${i + 2}`]))
  const { said: many } = await featuresOf({ users: names }, {})
  assert.ok(
    many.includes(
      'Features of the users: age, c0, c1, c2, c3, c4, c5, c6 and 2 more; of the restaurants: price.',
    ),
    many.join(),
  )
})

test('integers as times are milliseconds; others are pointed out, and a missing one is the mean day', async () => {
  const day = '1_600_000_000 + i * 1_000_000'
  const { features, notes } = await featuresOf(
    {
      users: {
        seconds: day,
        microseconds: `(${day}) * 1_000_000`,
        milliseconds: `(${day}) * 1000`,
        stamps: `make_timestamp((${day}) * 1_000_000)`,
        gaps: `if(i % 4 = 0, NULL, (19_000 + i) * 86_400_000)`,
      },
      clicks: { at: day },
    },
    {
      features: {
        'user.seconds': time,
        'user.microseconds': time,
        'user.milliseconds': time,
        'user.gaps': time,
        'context.at': { kind: 'time', parts: ['hour'] },
      },
    },
  )
  assert.equal(notes.length, 3, notes.join('\n'))
  assert.match(notes[0], /^Feature context\.at .* look like seconds/)
  assert.match(notes[1], /^Feature user\.microseconds .* look like microseconds/)
  assert.equal(
    notes[2],
    'Feature user.seconds is on average 20 days after 1970: its integers look like seconds, and are taken for milliseconds. Write milliseconds or timestamps.',
  )
  assert.deepEqual(
    features.filter(({ kind }) => kind === 'time').map(({ name }) => name),
    ['seconds', 'microseconds', 'milliseconds', 'stamps', 'gaps'],
  )
  const gaps = features.find(({ name }) => name === 'gaps') ?? assert.fail()
  assert.ok(gaps.kind === 'time' && Math.abs(gaps.missing.value - 19_100) < 1, JSON.stringify(gaps))
})

test('a feature of which every value is too rare is pointed out', async () => {
  const rare = { kind: 'category', minCount: 50 } as const
  const { notes } = await featuresOf(
    {
      users: {
        rare: `'t' || i % 9`,
        lists: `['t' || i % 9]`,
        frequent: `'t' || i % 3`,
        hashed: `'t' || i % 9`,
      },
    },
    {
      features: {
        'user.rare': rare,
        'user.lists': { kind: 'categories', minCount: 50 },
        'user.frequent': rare,
        'user.hashed': { kind: 'category', buckets: 8 },
      },
    },
  )
  assert.equal(notes.length, 2, notes.join('\n'))
  assert.match(notes[0], /^Feature user\.lists says nothing: /)
  assert.equal(
    notes[1],
    'Feature user.rare says nothing: no value of it is in as many rows as its minCount. Declare a smaller minCount, or false to leave it out.',
  )
})
