import { join } from 'node:path'
import { writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

const RESTAURANTS = 90

/** A number of its own for each row and purpose, 0 … bound − 1. Of a text: hashes of pairs share bits. */
const drawn = (purpose: string, bound: number) => `(hash(i || ' ${purpose}') % ${bound})::INTEGER`
const orNull = (purpose: string, value: string) => `CASE WHEN ${drawn(purpose, 9)} > 0 THEN ${value} END`
const listOf = (purpose: string, longest: number, values: number) =>
  `list_transform(range(${drawn(purpose, longest + 1)}), k -> '${purpose} ' || (hash(i || ' ${purpose} ' || k) % ${values}))`

/** Users with a feature of every kind that a column can become. */
export const usersSql = (users: number) => `SELECT i AS user_id,
  ${orNull('no age', drawn('age', 80))} AS age,
  ${orNull('no city', `'city ' || ${drawn('city', 6)}`)} AS city,
  'street ' || ${drawn('street', 4500)} AS street,
  ${orNull('no likes', listOf('likes', 4, 9))} AS likes,
  ${orNull('no time', `TIMESTAMP '2024-01-01' + to_hours(${drawn('joined', 9000)})`)} AS joined,
  [${drawn('sweet', 7)}, ${drawn('sour', 7)}]::FLOAT[] AS taste
  FROM range(${users}) t(i)`

export const RESTAURANTS_SQL = `SELECT 7 * i AS restaurant_id, 13.5 + i / 1000 AS latitude, 100.5 AS longitude,
  'cuisine ' || (i % 5) AS cuisine,
  ${listOf('tags', 3, 7)} AS tags,
  ${orNull('no date', `DATE '2020-01-01' + ${drawn('opened', 900)}`)} AS opened,
  ${orNull('no price', `${drawn('price', 50)} / 7.0`)} AS price,
  ${drawn('open', 2)} = 1 AS "open late"
  FROM range(${RESTAURANTS}) t(i)`

/** Clicks that city and cuisine decide, mostly. */
export const clicksSql = (rows: number, seed: number, users: number) => `SELECT user_id, restaurant_id,
  (user_id % 6 + restaurant_id % 5 + noise // 8) % 2 AS click
  FROM (SELECT ${drawn(`user ${seed}`, users)}::BIGINT AS user_id,
    7 * ${drawn(`place ${seed}`, RESTAURANTS)}::BIGINT AS restaurant_id,
    ${drawn(`noise ${seed}`, 10)} AS noise FROM range(${rows}) t(i))`

/** A small data set of real columns: 9,000 clicks in 3 files and 2,000 test clicks in one. */
export async function featureData(users = 20_000): Promise<{ data: string; folder: string }> {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  await writeParquetFile(data, 'user_features.parquet', usersSql(users))
  await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS_SQL)
  for (const file of [0, 1, 2])
    await writeParquetFile(data, `train/train_${file}.parquet`, clicksSql(2000 + 1000 * file, file, users))
  await writeParquetFile(data, 'test/test_0.parquet', clicksSql(2000, 9, users))
  return { data, folder }
}
