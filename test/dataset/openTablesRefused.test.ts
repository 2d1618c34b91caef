import assert from 'node:assert/strict'
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readFeaturesInto, readIds, readPlaces } from '../../src/dataset/tables/readTables.ts'
import { isError, withFolder, writeParquetFile, writeTables } from './fixture.ts'

describe('openTables refuses', () => {
  const refused: [name: string, users: string, ...patterns: RegExp[]][] = [
    [
      'infinity',
      `SELECT i AS user_id, if(i = 4097, '-inf', '1')::DOUBLE AS f00 FROM range(5000) t(i)`,
      /row 4097 holds -inf/,
    ],
    [
      'a feature beyond float32',
      `SELECT 1 AS user_id, 1e300::DOUBLE AS f00`,
      /range of a 32-bit float/,
      /row 0 holds 1e\+?300/,
    ],
    [
      'a null id',
      `SELECT if(i = 3, NULL, i) AS user_id, 1::FLOAT AS f00 FROM range(5) t(i)`,
      /user_id.*row 3 holds null/,
    ],
    [
      'an id of another name',
      `SELECT 1 AS userID, 1::FLOAT AS f00`,
      /no column user_id, its columns are userID, f00; give its name with --user-id-column$/,
    ],
    [
      'duplicate ids',
      `SELECT if(i = 3, 1, i) AS user_id, 1::FLOAT AS f00 FROM range(5) t(i)`,
      /1 is in row 1 and row 3/,
    ],
    [
      'duplicate ids far apart',
      `SELECT if(i = 3, 1, i) * 1000000007 AS user_id, 1::FLOAT AS f00 FROM range(5) t(i)`,
      /1000000007 is in row 1 and row 3/,
    ],
    [
      'duplicate strings',
      `SELECT if(i = 4, 'u0', 'u' || i) AS user_id, 1::FLOAT AS f00 FROM range(5) t(i)`,
      /u0 is in row 0 and row 4/,
    ],
    [
      'fractions as ids',
      `SELECT 1.0::DOUBLE AS user_id, 1::FLOAT AS f00`,
      /user_id must hold integers or strings.*found DOUBLE/,
    ],
    ['no id column', `SELECT 1 AS uid, 1::FLOAT AS f00`, /no column user_id, its columns are uid, f00/],
    [
      'an id beyond 64 bits',
      `SELECT 99999999999999999999999::DECIMAL(38,0) AS user_id, 1::FLOAT AS f00`,
      /user_id must hold an integer from 0 to 2\^64 − 1 in every row, row 0 holds 9{23}/,
    ],
    [
      'signed and unsigned ids in one column',
      `SELECT if(i = 3, -1, 18446744073709551615::DECIMAL(20,0) - i) AS user_id, 1::FLOAT AS f00 FROM range(5) t(i)`,
      /user_id must hold an integer from 0 to 2\^64 − 1 in every row, row 3 holds -1/,
    ],
    ...[
      ['empty', `''`, /holds ""/],
      ['of 257 characters', `repeat('x', 257)`, /holds "x+…/],
      ['of 129 characters beyond 16 bits', `repeat('🍜', 129)`, /holds "(🍜)+/],
      ['a dot', `'.'`, /not "\." or .* holds "\."/],
      ['two dots', `'..'`, /holds "\.\."/],
      ['with a NUL', `'a' || chr(0) || 'b'`, /holds "a\\u0000b"/],
    ].map(([what, id, found]): [string, string, ...RegExp[]] => [
      `a string id that is ${String(what)}`,
      `SELECT if(i = 4097, ${String(id)}, 'u' || i) AS user_id, 1::FLOAT AS f00 FROM range(5000) t(i)`,
      /column user_id must hold a string of 1 to 256 characters .* in every row, row 4097/,
      found as RegExp,
    ]),
    ['an empty table', `SELECT 1 AS user_id, 1::FLOAT AS f00 WHERE false`, /it has no rows/],
  ]
  for (const [name, users, ...patterns] of refused)
    test(name, () =>
      withFolder(async (data) => {
        await writeTables(data)
        await writeParquetFile(data, 'user_features.parquet', users)
        await assert.rejects(openTables({ data }), isError('INPUT', /user_features\.parquet/, ...patterns))
        assert.deepEqual(await readdir(join(data, '.nearrank')).catch(() => []), [])
      }),
    )

  test('places that are no degrees', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const [latitude, longitude, pattern] of [
        ['90.01', '1', /latitude must be degrees from -90 to 90, row 0 holds 90.01/],
        ['1', '-180.5', /longitude must be degrees from -180 to 180, row 0 holds -180.5/],
        ['NULL', '1', /latitude.*holds null/],
        [`'nan'`, '1', /latitude.*holds nan/i],
      ] as const) {
        await writeParquetFile(
          data,
          'restaurant_features.parquet',
          `SELECT 1 AS restaurant_id, 1::FLOAT AS f00, ${latitude}::DOUBLE AS latitude, ${longitude}::DOUBLE AS longitude`,
        )
        await assert.rejects(openTables({ data }), isError('INPUT', pattern))
      }
    }))

  test('a file that is missing, truncated, no Parquet, or a folder that is missing', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const path = join(data, 'user_features.parquet')
      const bytes = await readFile(path)
      await truncate(path, bytes.length - 20)
      await assert.rejects(
        openTables({ data }),
        isError('INPUT', /Cannot read user_features.parquet/, /truncated/),
      )
      await writeFile(path, 'user_id,f00\n1,2\n')
      await assert.rejects(
        openTables({ data }),
        isError('INPUT', /user_features.parquet: it is not a Parquet/),
      )
      await writeFile(path, '')
      await assert.rejects(
        openTables({ data }),
        isError('INPUT', /user_features.parquet: it is not a Parquet/),
      )
      await assert.rejects(openTables({ data, userFile: 'nope.parquet' }), isError('INPUT', /no such file/))
      await assert.rejects(openTables({ data: join(data, 'nope') }), isError('INPUT', /no such folder/))
      assert.deepEqual(await readdir(join(data, '.nearrank')).catch(() => []), [])
    }))

  test('a cache that cannot be written to', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeFile(join(data, '.nearrank'), 'a file where a folder should go')
      await assert.rejects(openTables({ data }), isError('DISK', /\.nearrank/, /--cache/))
    }))
})

describe('a damaged table', () => {
  test('is found by its checksum, and by its size', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const tables = await openTables({ data })
      const target = new Float32Array(6)
      for (const [file, read] of [
        ['users.f32', () => readFeaturesInto(tables.users, target, 2)],
        ['users.keys', () => readIds(tables.users)],
        ['restaurants.places', () => readPlaces(tables)],
      ] as const) {
        const path = join(tables.directory, file)
        const bytes = await readFile(path)
        const damaged = Buffer.from(bytes)
        damaged[5] ^= 1
        await writeFile(path, damaged)
        await assert.rejects(read(), isError('DAMAGED', new RegExp(file), /checksum/, /delete that folder/))
        await writeFile(path, bytes.subarray(0, bytes.length - 1))
        await assert.rejects(read(), isError('DAMAGED', new RegExp(file), /ends at byte/))
        await writeFile(path, bytes)
        await read()
      }
    }))

  test('a damaged manifest is found whatever bit is wrong', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const { directory } = await openTables({ data })
      const path = join(directory, 'manifest.json')
      const bytes = await readFile(path)
      for (let at = 0; at < bytes.length; at += 37) {
        const damaged = Buffer.from(bytes)
        damaged[at] ^= 2
        await writeFile(path, damaged)
        await assert.rejects(openTables({ data }), isError('DAMAGED', /delete that folder/), `byte ${at}`)
      }
    }))
})
