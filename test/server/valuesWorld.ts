import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawRow } from '../../src/features/rawRow.ts'
import type { RawValue } from '../../src/features/values.ts'
import { Random } from '../../src/random.ts'
import { train } from '../../src/training/train.ts'
import type { TrainOptions } from '../../src/training/types.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from '../training/dataFixture.ts'

export const USERS = 60
export const RESTAURANTS = 40
export const CENTRE = { latitude: 13.8, longitude: 100.5 }

export type Column = [name: string, type: string, draw: (random: Random, row: number) => RawValue]

const pick = <T>(random: Random, values: readonly T[]): T => values[random.below(values.length)]
const orNull =
  (share: number, draw: Column[2]): Column[2] =>
  (random, row) =>
    random.float() < share ? null : draw(random, row)

/** Columns of every kind. */
const USER_COLUMNS: Column[] = [
  ['age', 'INTEGER', orNull(0.2, (random) => random.below(80))],
  ['spend', 'DOUBLE', (random) => Math.round(1000 * random.normal()) / 1000],
  ['gender', 'VARCHAR', orNull(0.1, (random) => pick(random, ['f', 'm', "o'x"]))],
  ['smoker', 'BOOLEAN', orNull(0.1, (random) => random.below(2) === 1)],
  [
    'likes',
    'VARCHAR[]',
    orNull(0.1, (random) =>
      Array.from({ length: random.below(4) }, () => pick(random, ['thai', 'sushi', 'pizza'])),
    ),
  ],
  [
    'joined',
    'DATE',
    orNull(0.1, (random) => `20${10 + random.below(10)}-0${1 + random.below(9)}-1${random.below(9)}`),
  ],
]
const RESTAURANT_COLUMNS: Column[] = [
  ['cuisine', 'VARCHAR', orNull(0.1, (random) => pick(random, ['thai', 'sushi', 'pizza', 'ไทย']))],
  ['price', 'INTEGER', (random) => random.below(5)],
  ['taste', 'FLOAT[]', (random) => [random.below(9), random.below(9) / 2]],
  [
    'opened',
    'TIMESTAMP',
    orNull(0.1, (random) => `2019-0${1 + random.below(9)}-11T1${random.below(9)}:30:00.000Z`),
  ],
  ['latitude', 'DOUBLE', (random) => CENTRE.latitude + 0.01 * random.float()],
  ['longitude', 'DOUBLE', (random) => CENTRE.longitude + 0.01 * random.float()],
]

/** A small data set with features of every kind, and a model that was trained on it. */
export interface ValuesWorld {
  folder: string
  data: string
  model: string
  users: RawRow[] // by id; what is missing is null
  restaurants: { features: RawRow; latitude: number; longitude: number }[]
}

export interface ValuesWorldOptions {
  seed?: number
  /** Columns in place of those of the same name; null: there is none. */
  columns?: Record<string, Column | null>
}

/** Gone after the test file. Not to be called in a hook. */
export async function valuesWorld(options: ValuesWorldOptions = {}): Promise<ValuesWorld> {
  const { seed = 17, columns = {} } = options
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const random = new Random(seed)
  const chosenOf = (all: Column[]) =>
    all
      .map((column) => (column[0] in columns ? columns[column[0]] : column))
      .filter((column) => column !== null)
  const users = await writeTable(data, 'user', chosenOf(USER_COLUMNS), USERS, random)
  const places = await writeTable(data, 'restaurant', chosenOf(RESTAURANT_COLUMNS), RESTAURANTS, random)
  const restaurants = places.map(({ latitude, longitude, ...features }) => ({
    features,
    latitude: Number(latitude),
    longitude: Number(longitude),
  }))
  const clicks = Array.from({ length: 2000 }, () => {
    const [user, restaurant] = [random.below(USERS), random.below(RESTAURANTS)]
    const likes = (users[user].likes ?? []) as string[]
    const isLiked = likes.includes(String(restaurants[restaurant].features.cuisine)) !== random.float() < 0.1
    return `(${user}, ${restaurant}, ${Number(isLiked)})`
  })
  for (const [name, some] of [
    ['train/a.parquet', clicks],
    ['test/a.parquet', clicks.slice(0, 200)],
  ] as const)
    await writeParquetFile(
      data,
      name,
      `SELECT * FROM (VALUES ${some.join(', ')}) t(user_id, restaurant_id, click)`,
    )
  const model = join(folder, 'model')
  await trainSmall({ data, out: model })
  return { folder, data, model, users, restaurants }
}

export async function trainSmall(options: TrainOptions): Promise<void> {
  const defaults: Partial<TrainOptions> = {
    hidden: [16, 8],
    activations: ['none', 'relu'],
    epochs: 3,
    batchSize: 128,
    validation: 0,
    threads: 1,
    learningRate: 0.01,
  }
  await train({ ...defaults, ...options })
}

/** Puts a copy of a model in the place of another. */
export async function replaceModel(to: string, from: string): Promise<void> {
  await cp(from, `${to}.new`, { recursive: true })
  await rm(to, { recursive: true })
  await rename(`${to}.new`, to)
}

async function writeTable(
  data: string,
  side: 'user' | 'restaurant',
  columns: Column[],
  count: number,
  random: Random,
): Promise<RawRow[]> {
  const rows = Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map(([name, , draw]) => [name, draw(random, row)] as const)),
  )
  const select = rows.map(
    (row, id) => `(${id}, ${columns.map(([name, type]) => literal(row[name], type)).join(', ')})`,
  )
  const names = [`${side}_id`, ...columns.map(([name]) => name)].join(', ')
  await writeParquetFile(
    data,
    `${side}_features.parquet`,
    `SELECT * FROM (VALUES ${select.join(', ')}) t(${names}) ORDER BY ${side}_id ${side === 'user' ? 'DESC' : 'ASC'}`,
  )
  return rows
}

/** A value as an SQL literal of the column's type. */
function literal(value: RawValue, type: string): string {
  const text = (one: RawValue) => (typeof one === 'string' ? `'${one.replaceAll("'", "''")}'` : String(one))
  const own = Array.isArray(value) ? `[${value.map(text).join(', ')}]` : text(value)
  return `${value === null ? 'NULL' : own}::${type}`
}
