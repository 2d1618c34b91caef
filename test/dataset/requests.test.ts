import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readRequests } from '../../src/dataset/requests.ts'
import { prepareRequests } from '../../src/loadtest/prepareRequests.ts'
import { isError, withFolder, writeParquetFile } from './fixture.ts'

describe('readRequests', () => {
  test('takes ids of any kind, and what is missing by its default', () =>
    withFolder(async (folder) => {
      await writeParquetFile(
        folder,
        'r.parquet',
        `SELECT 'u1' AS user_id, 1.5 AS latitude, 2 AS longitude, [9007199254740993::BIGINT, 5] AS candidate_restaurant_ids`,
      )
      assert.deepEqual(await readRequests(join(folder, 'r.parquet')), [
        {
          userId: 'u1',
          latitude: 1.5,
          longitude: 2,
          candidateRestaurantIds: [9007199254740993n, 5],
          size: 20,
          maxDist: 5000,
          sortDist: false,
        },
      ])
    }))

  test('without candidates, a request is about all restaurants', () =>
    withFolder(async (folder) => {
      const where = '7 AS user_id, 1.5 AS latitude, 2 AS longitude'
      for (const candidates of ['', ', NULL::BIGINT[] AS candidate_restaurant_ids']) {
        await writeParquetFile(folder, 'r.parquet', `SELECT ${where}${candidates}`)
        const [request] = await readRequests(join(folder, 'r.parquet'))
        assert.equal(request.candidateRestaurantIds, null)
        const [sent] = prepareRequests('http://127.0.0.1', [request])
        const [, body] = sent.toString().split('\r\n\r\n')
        assert.ok(!('candidate_restaurant_ids' in JSON.parse(body)))
      }
    }))

  test('long decimals and unsigned integers keep all their digits', () =>
    withFolder(async (folder) => {
      await writeParquetFile(
        folder,
        'r.parquet',
        `SELECT 18446744073709551615::DECIMAL(20,0) AS user_id, 1.5 AS latitude, 2 AS longitude,
          [12345678901234567890::DECIMAL(20,0), 5] AS candidate_restaurant_ids
         UNION ALL SELECT 7, 1.5, 2, [18446744073709551615::DECIMAL(20,0)]`,
      )
      const requests = await readRequests(join(folder, 'r.parquet'))
      assert.deepEqual(
        requests.map(({ userId, candidateRestaurantIds }) => [userId, candidateRestaurantIds]),
        [
          [2n ** 64n - 1n, [12345678901234567890n, 5]],
          [7, [2n ** 64n - 1n]],
        ],
      )
    }))

  const whole = {
    user_id: '1',
    latitude: '13.7',
    longitude: '100.5',
    candidate_restaurant_ids: '[1, 2]',
    size: '10',
    max_dist: '5000',
    sort_dist: 'true',
  }
  for (const [column, value, pattern] of [
    ['user_id', 'NULL', /ids must be integers of 64 bits or strings .*, found null, in row 0/],
    ['user_id', '1.5::DOUBLE', /ids must be/],
    ['user_id', `''`, /ids must be .*, found ""/],
    ['user_id', '2::HUGEINT ** 64', /ids must be/],
    [
      'candidate_restaurant_ids',
      '[18446744073709551616::DECIMAL(38,0)]',
      /ids must be .*, found 18446744073709551616/,
    ],
    ['latitude', '90.5', /latitude and longitude must be degrees, found 90.5/],
    ['longitude', `'nan'::DOUBLE`, /degrees/],
    ['candidate_restaurant_ids', '5', /candidate_restaurant_ids must be a list .*, found 5, in row 0/],
    ['candidate_restaurant_ids', '[1, NULL]', /ids must be/],
    ['size', '0', /size must be at least 1, found 0/],
    ['max_dist', '-1', /max_dist must be metres, found -1/],
    ['latitude', undefined, /no column latitude, its columns are/],
  ] as const)
    test(`refuses ${column} ${value}`, () =>
      withFolder(async (folder) => {
        const columns = Object.entries({ ...whole, [column]: value }).filter(([, sql]) => sql !== undefined)
        const select = columns.map(([name, sql]) => `${sql} AS ${name}`).join(', ')
        await writeParquetFile(folder, 'r.parquet', `SELECT ${select}`)
        await assert.rejects(readRequests(join(folder, 'r.parquet')), isError('INPUT', /r\.parquet/, pattern))
      }))

  test('refuses what is no Parquet, or not there', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'r.parquet'), '{}')
      await assert.rejects(readRequests(join(folder, 'r.parquet')), isError('INPUT', /not a Parquet file/))
      await assert.rejects(readRequests(join(folder, 'none')), isError('INPUT', /no such file/))
    }))
})
