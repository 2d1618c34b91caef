import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { readDatasetInfo } from '../../src/dataset/datasetInfo.ts'
import { type GenerateOptions, generate } from '../../src/dataset/generator/generate.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readFeaturesInto, readPlaces } from '../../src/dataset/tables/readTables.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { readRequests } from '../../src/dataset/requests.ts'
import { isError, readAllRows, withFolder } from './fixture.ts'
import { SMALL, digests } from './generateFixture.ts'

describe('generate', () => {
  test('makes the same bytes for the same seed on any number of threads, and others for another', () =>
    withFolder(async (folder) => {
      const make = async (name: string, options: Partial<GenerateOptions>) => {
        await generate({ ...SMALL, out: join(folder, name), ...options })
        return digests(join(folder, name))
      }
      const one = await make('one', { threads: 1 })
      assert.deepEqual(Object.keys(one).toSorted(), [
        'dataset.json',
        'requests.parquet',
        'restaurant_features.parquet',
        'test/test_00.parquet',
        'test/test_01.parquet',
        ...['00', '01', '02', '03'].map((i) => `train/train_${i}.parquet`),
        'user_features.parquet',
      ])
      assert.deepEqual(await make('three', { threads: 3 }), one)
      const other = await make('other', { seed: 8 })
      for (const [name, digest] of Object.entries(other)) assert.notEqual(digest, one[name], name)
      assert.equal(new Set(Object.values(one)).size, 10)
    }))

  test('writes the columns of the reference, as pandas types them', () =>
    withFolder(async (out) => {
      await generate({ ...SMALL, out })
      const instance = await DuckDBInstance.create(':memory:')
      const connection = await instance.connect()
      const describeFile = async (name: string) =>
        (await (await connection.run(`DESCRIBE SELECT * FROM '${join(out, name)}'`)).getRows())
          .map((row) => `${String(row[0])} ${String(row[1])}`)
          .join(', ')
      const features = (count: number) =>
        Array.from({ length: count }, (_, k) => `f${String(k).padStart(2, '0')} FLOAT`).join(', ')
      assert.equal(await describeFile('user_features.parquet'), `user_id BIGINT, ${features(30)}`)
      assert.equal(
        await describeFile('restaurant_features.parquet'),
        `restaurant_id BIGINT, ${features(10)}, latitude DOUBLE, longitude DOUBLE`,
      )
      for (const name of ['train/train_00.parquet', 'test/test_01.parquet'])
        assert.equal(await describeFile(name), 'user_id BIGINT, restaurant_id BIGINT, click BIGINT')
      assert.equal(
        await describeFile('requests.parquet'),
        'user_id BIGINT, latitude DOUBLE, longitude DOUBLE, candidate_restaurant_ids BIGINT[], size BIGINT, max_dist BIGINT, sort_dist BOOLEAN',
      )
      const counts = await connection.run(
        `SELECT parse_filename(file_name), num_rows::INT FROM parquet_file_metadata('${out}/t*/*.parquet') ORDER BY 1`,
      )
      assert.deepEqual(await counts.getRows(), [
        ['test_00.parquet', 751],
        ['test_01.parquet', 750],
        ['train_00.parquet', 1251],
        ['train_01.parquet', 1251],
        ['train_02.parquet', 1251],
        ['train_03.parquet', 1250],
      ])
      connection.closeSync()
      instance.closeSync()
    }))

  test('clicks come about as the reference says, and the ceiling is theirs', () =>
    withFolder(async (out) => {
      const result = await generate({
        ...SMALL,
        out,
        rows: 40_000,
        testRows: 60_000,
        users: 2000,
        restaurants: 500,
      })
      const tables = await openTables({ data: out })
      const users = new Float32Array(2000 * 30)
      const restaurants = new Float32Array(500 * 10)
      await readFeaturesInto(tables.users, users, 30)
      await readFeaturesInto(tables.restaurants, restaurants, 10)
      for (const split of ['train', 'test'] as const) {
        const pack = await openRows({ data: out }, tables, split)
        const rows = await readAllRows(pack)
        await pack.close()
        let surprise = 0 // Σ (click − p): 0 up to its own deviation
        let variance = 0
        let loss = 0
        let right = 0
        for (const [u, r, click] of rows) {
          let score = 0
          for (let k = 0; k < 10; k++) score += users[u * 30 + k] * restaurants[r * 10 + k]
          const p = 1 / (1 + Math.exp(-score))
          surprise += click - p
          variance += p * (1 - p)
          loss -= Math.log(click === 1 ? p : 1 - p)
          right += Number(p > 0.5) === click ? 1 : 0
        }
        assert.ok(Math.abs(surprise) < 5 * Math.sqrt(variance), `${split}: ${surprise} off`)
        if (split === 'test') {
          assert.ok(Math.abs(right / rows.length - (result.bayesAccuracy ?? 0)) < 0.01)
          assert.ok(Math.abs(loss / rows.length - (result.bayesLogLoss ?? 0)) < 0.02)
        } else assert.equal(result.clickRate, pack.clicks / pack.rows)
        for (const [k, count] of [2000, 500].entries()) {
          const seen = new Uint32Array(count)
          for (const row of rows) seen[row[k]]++
          const expected = rows.length / count // chi-squared of a uniform draw: mean and variance are known
          const chi = seen.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
          assert.ok(Math.abs(chi - count) < 6 * Math.sqrt(2 * count), `${split} ${k}: ${chi}`)
        }
      }
    }))

  test('features lie in ten clusters, places in Bangkok', () =>
    withFolder(async (out) => {
      await generate({ ...SMALL, out, users: 3000, restaurants: 3000 })
      const tables = await openTables({ data: out })
      for (const [table, width] of [
        [tables.users, 30],
        [tables.restaurants, 10],
      ] as const) {
        const values = new Float32Array(3000 * width)
        await readFeaturesInto(table, values, width)
        const clusters: { row: number; members: number; squares: number }[] = []
        for (let row = 0; row < 3000; row++) {
          const distance = (to: number) => {
            let sum = 0
            for (let k = 0; k < width; k++) sum += (values[row * width + k] - values[to * width + k]) ** 2
            return sum / width
          }
          const near = clusters.find((cluster) => distance(cluster.row) < 0.2)
          if (near) {
            near.members++
            near.squares += distance(near.row)
          } else clusters.push({ row, members: 1, squares: 0 })
        }
        assert.equal(clusters.length, 10)
        for (const { members } of clusters) assert.ok(members > 200 && members < 400, `${members} members`)
        // Two rows of a cluster differ by N(0, 2 · 0.1²) in every dimension; over the ten that is averaged out.
        const spread = clusters.reduce((sum, { squares }) => sum + squares, 0) / (3000 - 10)
        assert.ok(Math.abs(spread - 0.02) < 0.006, `${spread}`)
      }
      const { latitude, longitude } = await readPlaces(tables)
      for (const [degrees, lowest, highest] of [
        [latitude, 13.581327544528989, 14.171447685944495],
        [longitude, 100.30471258549801, 100.85824174657563],
      ] as const) {
        assert.ok(Math.min(...degrees) >= lowest && Math.max(...degrees) <= highest)
        const mean = degrees.reduce((a, b) => a + b, 0) / degrees.length
        assert.ok(Math.abs(mean - (lowest + highest) / 2) < (highest - lowest) / 40)
      }
    }))

  test('requests are those of the load test', () =>
    withFolder(async (out) => {
      await generate({ ...SMALL, out, requests: 700 })
      const requests = await readRequests(join(out, 'requests.parquet'))
      assert.equal(requests.length, 700)
      for (const request of requests) {
        assert.equal(new Set(request.candidateRestaurantIds).size, 40)
        assert.ok(request.candidateRestaurantIds?.every((id) => Number(id) >= 0 && Number(id) < 90))
        assert.ok(Number(request.userId) >= 0 && Number(request.userId) < 300)
      }
      const distinct = (key: 'size' | 'maxDist' | 'sortDist') =>
        [...new Set(requests.map((request) => Number(request[key])))].toSorted((a, b) => a - b)
      assert.deepEqual(distinct('size'), [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
      assert.deepEqual(distinct('maxDist'), [5000, 6000, 7000, 8000, 9000, 10_000])
      assert.deepEqual(distinct('sortDist'), [0, 1])
      assert.deepEqual(
        await readRequests(join(out, 'requests.parquet'), { offset: 77, limit: 3 }),
        requests.slice(77, 80),
      )
      assert.deepEqual(await readRequests(join(out, 'requests.parquet'), { offset: 700 }), [])
    }))

  test('tells what it made, and remembers it beside the data', () =>
    withFolder(async (out) => {
      const seen = new Map<string, number>()
      const result = await generate({
        ...SMALL,
        out,
        onProgress: ({ stage, rowsDone, rowsTotal }) => seen.set(stage, rowsDone / rowsTotal),
      })
      assert.deepEqual(Object.fromEntries(seen), { users: 1, restaurants: 1, requests: 1, train: 1, test: 1 })
      assert.equal(result.rows, 5003)
      const info = await readDatasetInfo(out)
      const { threads: _, ...counts } = SMALL
      const { rows, testRows, users, restaurants, requests, candidates, files, testFiles, seed } = info ?? {}
      assert.deepEqual(
        { rows, testRows, users, restaurants, requests, candidates, files, testFiles, seed },
        counts,
      )
      assert.equal(info?.bayesAccuracy, result.bayesAccuracy)
      assert.equal(info?.bayesLogLoss, result.bayesLogLoss)
      assert.equal(await readDatasetInfo(join(out, 'train')), undefined)
      await writeFile(join(out, 'dataset.json'), JSON.stringify({ ...info, rows: -1 }))
      await assert.rejects(readDatasetInfo(out), isError('INPUT', /dataset\.json/, /rows/))
      await writeFile(join(out, 'dataset.json'), JSON.stringify({ ...info, generator: 'another' }))
      assert.equal(await readDatasetInfo(out), undefined)
      await writeFile(join(out, 'dataset.json'), '{')
      await assert.rejects(readDatasetInfo(out), isError('INPUT', /dataset\.json/))
    }))

  test('without test rows or requests there is no ceiling, and no such files', () =>
    withFolder(async (out) => {
      const result = await generate({ ...SMALL, out, testRows: 0, requests: 0 })
      assert.equal(result.bayesAccuracy, null)
      assert.deepEqual((await readdir(out)).toSorted(), [
        'dataset.json',
        'restaurant_features.parquet',
        'train',
        'user_features.parquet',
      ])
      assert.equal((await readDatasetInfo(out))?.bayesLogLoss, null)
    }))
})
