import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { wordsOf } from '../../src/features/encodeRow.ts'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import type { DatasetOptions, OpenOptions, OpenProgress } from '../../src/dataset/options.ts'
import { isError, openTrain, withFolder, writeLargeTables, writeParquetFile } from './fixture.ts'
import {
  expectedClick,
  GROUP_TYPES,
  type GroupedRow,
  groupOf,
  readGroups,
  writeGroupedClicks,
} from './groupFixture.ts'

const ROWS = 80_000 // of two blocks
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

function withClicks(use: (data: string) => Promise<void>): Promise<void> {
  return withFolder(async (data) => {
    await writeLargeTables(data)
    await use(data)
  })
}

async function openGroups(data: string, more: Partial<DatasetOptions & OpenOptions> = {}) {
  const pack = await openTrain({ data, groupColumn: 'request_id', contextFeatures: ['serial'], ...more })
  const blocks = await readGroups(pack).finally(() => pack.close())
  return { pack, blocks }
}

/** Rows 0 … `count` − 1 at places of three files that have nothing to do with their groups. */
async function scatter(data: string, count: number, step: number): Promise<number[][]> {
  const file = (f: number) => `SELECT (p * ${step}) % ${count} AS i FROM range(${f}, ${count}, 3) t(p)`
  for (const f of range(3)) await writeGroupedClicks(data, `${f}.parquet`, file(f))
  return range(3).map((f) =>
    range(count)
      .filter((p) => p % 3 === f)
      .map((p) => (p * step) % count),
  )
}

/** Every row is there once with what belongs to it, and the groups are those of `keyOf`, none of them cut. */
function assertGroups(
  { pack, blocks }: { pack: PackedRows; blocks: GroupedRow[][] },
  rows: number[],
  keyOf = groupOf,
): void {
  const all = blocks.flat()
  assert.deepEqual(
    all.map(({ i }) => i).toSorted((a, b) => a - b),
    rows.toSorted((a, b) => a - b),
  )
  for (const { i, click } of all) if (click.join() !== expectedClick(i).join()) assert.fail(`row ${i}`)
  const keys = new Map<number, number>() // by number, in the order of the pack
  let last = -1
  for (const block of blocks)
    for (const [k, { i, group }] of block.entries()) {
      const isNext = group === last + 1
      assert.ok(isNext || (group === last && k > 0), `group ${group} after ${last}, at ${k} of a block`)
      if (isNext) keys.set(group, keyOf(i))
      if (keys.get(group) !== keyOf(i)) assert.fail(`row ${i} is in the group of ${keys.get(group)}`)
      last = group
    }
  assert.equal(new Set(keys.values()).size, keys.size, 'a group has one number')

  const clicksOf = [...Map.groupBy(rows, keyOf).values()].map((own) => own.map((i) => expectedClick(i)[2]))
  assert.deepEqual(pack.groups, {
    count: clicksOf.length,
    longest: Math.max(...clicksOf.map((own) => own.length)),
    withoutOrder: clicksOf.filter((own) => new Set(own).size === 1).length,
    split: 0,
  })
  assert.equal(pack.rows, rows.length)
}

describe('groups of packed clicks', () => {
  test('whose rows are together stay in the order of the files; no block cuts one', () =>
    withClicks(async (data) => {
      const ends = [0, 3200, 76_000, ROWS] // each of them ends a group
      for (const f of range(3))
        await writeGroupedClicks(data, `${f}.parquet`, `SELECT i FROM range(${ends[f]}, ${ends[f + 1]}) t(i)`)
      const { pack, blocks } = await openGroups(data)
      assertGroups({ pack, blocks }, range(ROWS))
      assert.deepEqual(
        blocks.flat().map(({ i }) => i),
        range(ROWS),
      )
      assert.deepEqual(
        pack.files.map(({ name, rows, blockCount }) => [name, rows, blockCount]),
        [
          ['train/0.parquet', 3200, 1],
          ['train/1.parquet', 72_800, 2],
          ['train/2.parquet', 4000, 1],
        ],
      )
    }))

  test('whose rows are scattered over files are put together, in the order of the files', () =>
    withClicks(async (data) => {
      const files = await scatter(data, ROWS, 7919)
      const { pack, blocks } = await openGroups(data)
      assertGroups({ pack, blocks }, range(ROWS))
      assert.equal(pack.blocks.length, 2)
      const place = new Map(files.flat().map((i, at) => [i, at]))
      for (const own of Map.groupBy(blocks.flat(), ({ group }) => group).values())
        for (const [k, { i }] of own.entries())
          assert.ok(
            k === 0 || place.get(i)! > place.get(own[k - 1].i)!,
            `row ${i} of its group comes too late`,
          )
      assert.deepEqual(
        pack.files.map(({ name, rows }) => [name, rows]),
        [['3 files, by group', ROWS]],
      )
      const folder = dirname(pack.path)
      assert.deepEqual((await readdir(folder)).toSorted(), ['clicks.rows', 'manifest.json'])
    }))

  test('are the same however the rows come, and whatever tells them', () =>
    withClicks(async (data) => {
      for (const [first, second] of [
        ['integers', 'integers'],
        ['strings', 'strings'],
        ['uuids', 'uuids as strings'],
        ['timestamps', 'timestamps in milliseconds'],
        ['long integers', 'long integers'],
      ]) {
        // Rows 0 … 999 with the first, every other one of them; then the others.
        const rows = (from: number) => `SELECT i FROM range(${from}, 1000, 2) t(i)`
        await writeGroupedClicks(data, 'a.parquet', rows(0), GROUP_TYPES[first])
        await writeGroupedClicks(data, 'b.parquet', rows(1), GROUP_TYPES[second])
        assertGroups(await openGroups(data), range(1000))
      }
      const narrow = GROUP_TYPES.integers.replace('INTEGER', 'USMALLINT')
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(1, 1000, 2) t(i)', narrow)
      await writeGroupedClicks(data, 'b.parquet', 'SELECT i FROM range(0, 1000, 2) t(i)')
      assertGroups(await openGroups(data), range(1000))
    }))

  test('of which one ends a file and begins the next is one group', () =>
    withClicks(async (data) => {
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(0, 510) t(i)')
      await writeGroupedClicks(data, 'b.parquet', 'SELECT i FROM range(510, 800) t(i)')
      assert.equal(groupOf(509), groupOf(510))
      assertGroups(await openGroups(data), range(800))
    }))

  test('longer than 1,024 rows are split into parts of so many, together or scattered', () =>
    withClicks(async (data) => {
      for (const step of [1, 7]) {
        const rows = `SELECT (p * ${step}) % 4000 AS i FROM range(4000) t(p)`
        await writeGroupedClicks(data, 'a.parquet', rows, 'CASE WHEN i < 2500 THEN 1 ELSE 2 + i // 1024 END')
        const { pack, blocks } = await openGroups(data)
        const sizes = [...Map.groupBy(blocks.flat(), ({ group }) => group).values()].map((own) => own.length)
        assert.deepEqual(
          sizes.toSorted((a, b) => b - a),
          [1024, 1024, 928, 572, 452],
        )
        const { count, longest, split } = pack.groups!
        assert.deepEqual({ count, longest, split }, { count: 5, longest: 1024, split: 1 })
        for (const own of Map.groupBy(blocks.flat(), ({ group }) => group).values())
          assert.equal(new Set(own.map(({ i }) => (i < 2500 ? 0 : 2 + Math.floor(i / 1024)))).size, 1)
      }
    }))
})

describe('a click without a group', () => {
  const holes = `CASE WHEN i % 20 = 3 THEN NULL ELSE ${GROUP_TYPES.integers} END`

  test('is refused, naming file, column and row', () =>
    withClicks(async (data) => {
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(3) t(i)', holes)
      await writeGroupedClicks(data, 'b.parquet', 'SELECT i FROM range(20, 100) t(i)', holes)
      await assert.rejects(
        openGroups(data),
        isError('INPUT', /train\/b\.parquet/, /request_id/, /row 3 /, /null/, /--on-missing drop/),
      )
    }))

  test('is left out where that is asked for, and counted; the others stay where they are', () =>
    withClicks(async (data) => {
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(6000) t(i)', holes)
      const { pack, blocks } = await openGroups(data, { onMissing: 'drop' })
      const kept = range(6000).filter((i) => i % 20 !== 3)
      assertGroups({ pack, blocks }, kept)
      assert.deepEqual(
        blocks.flat().map(({ i }) => i),
        kept,
      )
      assert.deepEqual(pack.droppedBecause, { noFeatures: 0, nulls: 300, badPlace: 0 })
      assert.equal(pack.files[0].dropped, 300)
    }))

  test('that is left out does not count as one of a group of 1,024', () =>
    withClicks(async (data) => {
      const one = 'CASE WHEN i % 2 = 0 THEN 1 WHEN i % 4 = 1 THEN NULL ELSE 1 END'
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(1360) t(i)', one)
      const { pack } = await openGroups(data, { onMissing: 'drop' })
      assert.deepEqual(pack.groups, { count: 1, longest: 1020, withoutOrder: 0, split: 0 })
    }))
})

describe('a group column', () => {
  test('of lists, or that is not there, is refused', () =>
    withClicks(async (data) => {
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(50) t(i)', '[i, i]')
      await assert.rejects(openGroups(data), isError('INPUT', /a\.parquet/, /request_id/, /BIGINT\[\]/))
      await assert.rejects(
        openGroups(data, { groupColumn: 'session' }),
        isError('INPUT', /a\.parquet/, /session/),
      )
    }))

  test('makes a pack of its own', () =>
    withClicks(async (data) => {
      await writeGroupedClicks(data, 'a.parquet', 'SELECT i FROM range(50) t(i)')
      const { pack } = await openGroups(data)
      const plain = await openTrain({ data, contextFeatures: ['serial'] })
      await plain.close()
      assert.notEqual(pack.path, plain.path)
      assert.equal(plain.groups, undefined)
    }))
})

test('stopped while rows are sorted, nothing is left behind', () =>
  withClicks(async (data) => {
    await scatter(data, 8000, 7919)
    const stop = new AbortController()
    const sorted: number[] = []
    const onProgress = ({ rowsDone, rowsTotal, isSorting }: OpenProgress) => {
      if (!isSorting) return
      assert.equal(rowsTotal, 8000)
      sorted.push(rowsDone)
      if (rowsDone === 4000) stop.abort()
    }
    const options = { data, groupColumn: 'request_id', onProgress, signal: stop.signal }
    await assert.rejects(openTrain(options))
    assert.deepEqual(sorted, [1333, 2667, 4000], 'half of it is done when the three files are in parts')
    const left = await readdir(join(data, '.nearrank'))
    assert.deepEqual(
      left.filter((name) => !name.startsWith('tables')),
      [],
    )
  }))

test('a rate of rows in groups knows no label of its own group, in blocks that are not full', () =>
  withFolder(async (data) => {
    const users = 2000
    await writeParquetFile(data, 'user_features.parquet', `SELECT i AS user_id FROM range(${users}) t(i)`)
    await writeParquetFile(
      data,
      'restaurant_features.parquet',
      'SELECT i AS restaurant_id, 1.0 AS latitude, 2.0 AS longitude FROM range(100) t(i)',
    )
    // Every user has but one group: what others clicked tells nothing.
    await writeParquetFile(
      data,
      'train/a.parquet',
      `SELECT i // 37 AS user_id, (i * 31) % 100 AS restaurant_id, (hash(i) % 5 = 0)::INTEGER AS click, i // 37 AS request_id,
       i::FLOAT AS serial FROM range(${37 * users}) t(i)`,
    )
    const rates = { 'pair.own': { kind: 'rate', user: 'user_id' } } as const
    const pack = await openTrain({
      data,
      ids: 'both',
      groupColumn: 'request_id',
      contextFeatures: ['serial'],
      features: rates,
    })
    const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
    const logits = new Set<number>()
    let next = 0
    for (const [i, { rows }] of pack.blocks.entries()) {
      await pack.readBlockInto(i, bytes)
      const { context, users: own, groups } = blockRows(pack.plan, bytes.buffer, 0, rows)
      const { f32 } = wordsOf(context as Uint32Array)
      for (let row = 0; row < rows; row++, next++) {
        if (f32[3 * row] !== next || own[row] !== groups[row]) assert.fail(`row ${next} is lost`)
        logits.add(f32[3 * row + 1])
        assert.equal(f32[3 * row + 2], 0, 'rows that are known')
      }
    }
    assert.equal(next, 37 * users)
    assert.equal(logits.size, 1)
    assert.ok(pack.blocks.length === 2 && pack.blocks[0].rows < 65_536)
    await pack.close()
  }))
