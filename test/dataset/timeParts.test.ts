import assert from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import type { DatasetOptions, Split } from '../../src/dataset/options.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { wordsOf } from '../../src/features/encodeRow.ts'
import { isError, withFolder, writeLargeTables, writeParquetFile } from './fixture.ts'

const ROWS = 3000 // in three files
const START_MS = Date.UTC(2026, 9, 1)
const STEP_MS = 600_000
/** When row i was: in no order, and each at another time. */
const timeMs = (i: number) => START_MS + ((i * 37) % ROWS) * STEP_MS
const MS = `(${START_MS}::BIGINT + ((i * 37) % ${ROWS}) * ${STEP_MS})`

/** SQL types of times, from the milliseconds of row i, and how fine they are. */
const TIME_TYPES: Record<string, { sql: string; unitMs?: number }> = {
  timestamps: { sql: `make_timestamp(${MS} * 1000)` },
  'timestamps in nanoseconds': { sql: `make_timestamp(${MS} * 1000)::TIMESTAMP_NS` },
  'timestamps in milliseconds': { sql: `make_timestamp(${MS} * 1000)::TIMESTAMP_MS` },
  'timestamps with a zone': { sql: `(make_timestamp(${MS} * 1000)::VARCHAR || '+00')::TIMESTAMPTZ` },
  dates: { sql: `make_timestamp(${MS} * 1000)::DATE`, unitMs: 86_400_000 },
  'seconds in 32 bits': { sql: `(${MS} // 1000)::INTEGER` },
  seconds: { sql: `${MS} // 1000` },
  milliseconds: { sql: MS },
  microseconds: { sql: `${MS} * 1000` },
  nanoseconds: { sql: `(${MS}::HUGEINT * 1000000)::BIGINT` },
}

/** Three files of clicks on the tables of `writeLargeTables`; `serial` tells which row it is. */
async function writeTimedClicks(data: string, time = TIME_TYPES.timestamps.sql, more = ''): Promise<void> {
  for (const file of [0, 1, 2])
    await writeParquetFile(
      data,
      `train/${file}.parquet`,
      `SELECT (3 * (i % 1000))::BIGINT AS user_id, (-(i % 100))::BIGINT AS restaurant_id, (i % 3 = 0)::INTEGER AS click,
       i::FLOAT AS serial, ${time} AS shown_at ${more} FROM range(${file * 1000}, ${file * 1000 + 1000}) t(i)`,
    )
}

const common = (data: string): DatasetOptions => ({
  data,
  contextFeatures: ['serial'],
  timeColumn: 'shown_at',
})

/** The packs of the splits, encoded by what the first one fits. */
async function openSplits(options: DatasetOptions, ...splits: Split[]): Promise<PackedRows[]> {
  const tables = await openTables(options)
  const packs: PackedRows[] = []
  try {
    for (const split of splits) {
      const fitted = packs.length > 0 ? fittedBy(tables, packs[0]) : undefined
      packs.push(await openRows({ ...options, ...(fitted && { fitted }) }, tables, split))
    }
    return packs
  } catch (error) {
    for (const pack of packs) await pack.close()
    throw error
  }
}

/** The serials of a pack's rows in their order, and closes it. */
async function serialsOf(pack: PackedRows): Promise<number[]> {
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  const serials: number[] = []
  for (const [block, { rows }] of pack.blocks.entries()) {
    await pack.readBlockInto(block, bytes)
    const { f32 } = wordsOf(blockRows(pack.plan, bytes.buffer, 0, rows).context as Uint32Array)
    for (let row = 0; row < rows; row++) serials.push(f32[(row * f32.length) / rows])
  }
  await pack.close()
  return serials
}

const rowsWhere = (test_: (i: number) => boolean) =>
  Array.from({ length: ROWS }, (_, i) => i).filter((i) => test_(i))
const iso = (step: number, ms = 0) => new Date(START_MS + step * STEP_MS + ms).toISOString()

test('times of every type split the rows exactly, by a cut that lies on a row and one between two', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    const types = Object.entries(TIME_TYPES)
    const columns = types.map(([name, { sql }]) => `, ${sql} AS "${name}"`).join('')
    await writeTimedClicks(data, TIME_TYPES.timestamps.sql, columns)
    const [validationAfter, testAfter] = [iso(1000), iso(2000, 1)]
    const [from, to] = [Date.parse(validationAfter), Date.parse(testAfter)]
    for (const [timeColumn, { unitMs = 1 }] of types) {
      const options = { ...common(data), timeColumn, validationAfter, testAfter }
      const packs = await openSplits(options, 'train', 'validation', 'test')
      const at = (i: number) => Math.floor(timeMs(i) / unitMs) * unitMs
      const wanted = [
        rowsWhere((i) => at(i) < from),
        rowsWhere((i) => at(i) >= from && at(i) < to),
        rowsWhere((i) => at(i) >= to),
      ]
      for (const [i, pack] of packs.entries()) {
        assert.ok(wanted[i].length > 0)
        for (const [file, { rows, heldOut }] of pack.files.entries())
          assert.deepEqual(
            [rows, heldOut],
            [wanted[i].filter((row) => Math.floor(row / 1000) === file).length, 1000 - rows],
          )
        assert.deepEqual(await serialsOf(pack), wanted[i], `${timeColumn}: ${pack.split}`)
      }
    }
    // With one cut: the rest is for training.
    for (const [key, split] of [
      ['validationAfter', 'validation'],
      ['testAfter', 'test'],
    ] as const) {
      const [train, later] = await openSplits({ ...common(data), [key]: iso(1500) }, 'train', split)
      const isLater = (i: number) => timeMs(i) >= START_MS + 1500 * STEP_MS
      assert.deepEqual(
        await serialsOf(train),
        rowsWhere((i) => !isLater(i)),
      )
      assert.deepEqual(await serialsOf(later), rowsWhere(isLater))
    }
  }))

test('a pack is found again by its cut, however that is written, and never by another', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    await writeTimedClicks(data)
    const folderOf = async (testAfter: string, split: Split) => {
      const [pack] = await openSplits({ ...common(data), testAfter }, split)
      await pack.close()
      return dirname(pack.path)
    }
    for (const split of ['train', 'test'] as const) {
      const folder = await folderOf('2026-10-08', split)
      assert.equal(await folderOf('2026-10-08T02:00:00+02:00', split), folder)
      assert.notEqual(await folderOf('2026-10-08T00:00:00.001Z', split), folder)
      assert.equal(await folderOf('2026-10-08', split), folder)
    }
  }))

test('validation files are not trained on, and their later rows are test clicks', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    await writeTimedClicks(data)
    const { timeColumn: _, ...untimed } = common(data)
    const byFile = { ...untimed, validationFiles: 'train/1.*' }
    const [train, validation] = await openSplits(byFile, 'train', 'validation')
    assert.deepEqual(
      await serialsOf(train),
      rowsWhere((i) => i < 1000 || i >= 2000),
    )
    assert.deepEqual(
      await serialsOf(validation),
      rowsWhere((i) => i >= 1000 && i < 2000),
    )

    await symlink('train/1.parquet', join(data, 'held.parquet'))
    const [linked] = await openSplits({ ...untimed, validationFiles: 'held.parquet' }, 'train')
    assert.deepEqual(
      await serialsOf(linked),
      rowsWhere((i) => i < 1000 || i >= 2000),
    )

    const both = { ...byFile, timeColumn: 'shown_at', testAfter: iso(2000) }
    const packs = await openSplits(both, 'train', 'validation', 'test')
    const isTest = (i: number) => timeMs(i) >= START_MS + 2000 * STEP_MS
    const isHeld = (i: number) => i >= 1000 && i < 2000
    for (const [i, wanted] of [
      rowsWhere((row) => !isTest(row) && !isHeld(row)),
      rowsWhere((row) => !isTest(row) && isHeld(row)),
      rowsWhere(isTest),
    ].entries())
      assert.deepEqual(await serialsOf(packs[i]), wanted)
  }))

test('the day that a folder is called by is a time, too', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    for (const day of [1, 2, 3])
      await writeParquetFile(
        data,
        `train/date=2026-10-0${day}/part.parquet`,
        `SELECT (3 * i)::BIGINT AS user_id, -i AS restaurant_id, 1 AS click, i::FLOAT AS serial
         FROM range(${10 * day}, ${10 * day + 10}) t(i)`,
      )
    const cuts = { validationAfter: '2026-10-02', testAfter: '2026-10-02T00:00:01Z' }
    const packs = await openSplits(
      { ...common(data), timeColumn: 'date', ...cuts },
      'train',
      'validation',
      'test',
    )
    for (const [i, pack] of packs.entries())
      assert.deepEqual(
        await serialsOf(pack),
        Array.from({ length: 10 }, (_, row) => 10 * (i + 1) + row),
      )
  }))

test('vocabularies see the training rows alone', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    const device = `CASE WHEN ${MS} >= ${START_MS + 2000 * STEP_MS} THEN 'new' WHEN i % 2 = 0 THEN 'ios' ELSE 'web' END`
    await writeTimedClicks(data, TIME_TYPES.timestamps.sql, `, ${device} AS device`)
    const options = { ...common(data), contextFeatures: ['serial', 'device'] }
    const valuesIn = async (cuts: Partial<DatasetOptions>) => {
      const [pack] = await openSplits({ ...options, ...cuts }, 'train')
      await pack.close()
      const [serial, feature] = pack.context!.features
      assert.ok(feature.kind === 'category' && serial.kind === 'number')
      return feature.values
    }
    assert.deepEqual(await valuesIn({ testAfter: iso(2000) }), ['ios', 'web'])
    assert.deepEqual(await valuesIn({ validationAfter: iso(2001) }), ['ios', 'web', 'new'])
    const packs = await openSplits({ ...options, testAfter: iso(2000) }, 'train', 'test')
    const [{ mean }] = packs.map(({ context }) => context!)
    const serials = rowsWhere((i) => timeMs(i) < START_MS + 2000 * STEP_MS)
    assert.ok(Math.abs(mean[0] - serials.reduce((sum, i) => sum + i, 0) / serials.length) < 0.01)
    for (const pack of packs) await pack.close()
  }))

test('a group that a cut goes through is one in each part, sorted or not', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    for (const [group, files] of [
      ['i // 10', 3], // together in the files
      ['i % 50', 1], // all over them, so packing sorts
    ] as const) {
      await writeTimedClicks(data, TIME_TYPES.timestamps.sql, `, ${group} AS request`)
      const options = { ...common(data), groupColumn: 'request', testAfter: iso(2000) }
      const packs = await openSplits(options, 'train', 'test')
      const isTest = (i: number) => timeMs(i) >= START_MS + 2000 * STEP_MS
      const rows = [rowsWhere((i) => !isTest(i)), rowsWhere(isTest)]
      for (const [k, pack] of packs.entries()) {
        const groups = new Set(rows[k].map((i) => (files === 3 ? Math.floor(i / 10) : i % 50)))
        assert.equal(pack.groups!.count, groups.size)
        assert.equal(pack.files.length, files)
        assert.equal(
          pack.files.reduce((sum, { heldOut = 0 }) => sum + heldOut, 0),
          ROWS - rows[k].length,
        )
        assert.deepEqual(
          (await serialsOf(pack)).toSorted((a, b) => a - b),
          rows[k],
        )
      }
    }
  }))

test('rows without a time are refused by number, or left out of the training part and counted', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    await writeTimedClicks(data, `CASE WHEN i % 500 <> 7 THEN ${TIME_TYPES.timestamps.sql} END`)
    const options = { ...common(data), testAfter: iso(2000) }
    await assert.rejects(
      openSplits(options, 'train'),
      isError(
        'INPUT',
        /train\/0\.parquet: column shown_at must hold a time .* row 7 holds null.*--on-missing drop/,
      ),
    )
    const packs = await openSplits({ ...options, onMissing: 'drop' }, 'train', 'test')
    const isTest = (i: number) => timeMs(i) >= START_MS + 2000 * STEP_MS
    assert.deepEqual(packs[0].droppedBecause, { noFeatures: 0, nulls: 0, badPlace: 0, noTime: 6 })
    assert.deepEqual([packs[0].dropped, packs[1].dropped], [6, 0])
    assert.deepEqual(
      await serialsOf(packs[0]),
      rowsWhere((i) => !isTest(i) && i % 500 !== 7),
    )
    assert.deepEqual(
      await serialsOf(packs[1]),
      rowsWhere((i) => isTest(i) && i % 500 !== 7),
    )
    for (const { rows, dropped, heldOut = 0 } of packs[0].files) assert.equal(rows + dropped + heldOut, 1000)
  }))

test('a row that cannot be used is told by its number in the file, and only to whoever reads it', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    // Of the last of these rows to come, and in the test part.
    const wrong = rowsWhere((i) => timeMs(i) >= START_MS + 2000 * STEP_MS && i >= 2000)[300]
    await writeTimedClicks(data)
    await writeParquetFile(
      data,
      'train/2.parquet',
      `SELECT (3 * (i % 1000))::BIGINT AS user_id, (-(i % 100))::BIGINT AS restaurant_id,
       CASE WHEN i = ${wrong} THEN 7 ELSE 1 END AS click, i::FLOAT AS serial, ${TIME_TYPES.timestamps.sql} AS shown_at
       FROM range(2000, 3000) t(i)`,
    )
    const options = { ...common(data), testAfter: iso(2000) }
    for (const pack of await openSplits(options, 'train')) await pack.close()
    await assert.rejects(
      openSplits(options, 'train', 'test'),
      isError(
        'INPUT',
        new RegExp(`train/2\\.parquet: column click must be 0 or 1, row ${wrong - 2000} holds 7`),
      ),
    )
  }))

test('columns that hold no times, and parts without rows, are told', async () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    await writeTimedClicks(
      data,
      TIME_TYPES.timestamps.sql,
      `, 'x' AS device, 20261001 + i % 30 AS day, [i] AS list`,
    )
    const cases: [options: Partial<DatasetOptions>, split: Split, ...patterns: RegExp[]][] = [
      [{ timeColumn: 'shown' }, 'train', /it has no column shown, its columns are .*shown_at/],
      [{ timeColumn: 'device' }, 'train', /column device must hold times \(dates, .*found VARCHAR/],
      [{ timeColumn: 'list' }, 'train', /column list must hold times/],
      [{ timeColumn: 'serial' }, 'train', /column serial must hold times.*found FLOAT/],
      [{ timeColumn: 'day' }, 'train', /integers in column day must be times .*from 20261001 to 20261030/],
      [{ testAfter: iso(0) }, 'train', /by shown_at: no row is before 2026-10-01T00:00:00Z/],
      [
        { testAfter: iso(3000) },
        'train',
        /no row is from 2026-10-21T20:00:00Z on/,
        /2026-10-01T00:00:00Z to 2026-10-21T19:50:00Z/,
      ],
      [{ testAfter: iso(3000) }, 'test', /no row is from 2026-10-21T20:00:00Z on/],
      [
        { validationAfter: iso(3000), testAfter: iso(4000) },
        'train',
        /from 2026-10-21T20:00:00Z on and before/,
      ],
      [
        { validationAfter: iso(5, 1), testAfter: iso(5, 2) },
        'validation',
        /no row is from .*00:50:00\.001Z on and before/,
      ],
    ]
    for (const [options, split, ...patterns] of cases)
      await assert.rejects(
        openSplits({ ...common(data), testAfter: iso(2000), ...options }, split),
        isError('INPUT', ...patterns),
        JSON.stringify(options),
      )
    await assert.rejects(
      openSplits({ data, validationFiles: 'later/*.parquet' }, 'validation'),
      isError('INPUT', /Cannot find any validation clicks: no file in .* matches later/),
    )
    await assert.rejects(
      openSplits({ data, validationFiles: ['train/[01]*', 'train/2*'] }, 'train'),
      isError(
        'INPUT',
        /matches train\/\*\*\/\*\.parquet and is not held out for validation or the test by train\/\[01\]\*, train\/2\*/,
      ),
    )
    await writeParquetFile(
      data,
      'train/1.parquet',
      `SELECT * REPLACE (NULL::TIMESTAMP AS shown_at) FROM '${data}/train/0.parquet'`,
    )
    await writeParquetFile(data, 'train/0.parquet', `SELECT * FROM '${data}/train/1.parquet'`)
    await writeParquetFile(data, 'train/2.parquet', `SELECT * FROM '${data}/train/1.parquet'`)
    await assert.rejects(
      openSplits({ ...common(data), testAfter: iso(2000), onMissing: 'drop' }, 'train'),
      isError('INPUT', /no row is before .*; shown_at holds no times/),
    )
  }))
