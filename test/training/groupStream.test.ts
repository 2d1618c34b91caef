import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { batchOfGroups } from '../../src/dataset/clicks/groupBatches.ts'
import { allocateRows, blockRows, clickPlan, copyRows } from '../../src/dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import { rowDigest } from '../../src/dataset/clicks/rowDigest.ts'
import { Random } from '../../src/random.ts'
import { epochSize } from '../../src/training/rows/epochSize.ts'
import { type RowOrder, RowStream } from '../../src/training/rows/rowStream.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'

const PLAN = clickPlan(0, 'numbers')

/** A pack in memory whose row i is (user i, restaurant i + 1, click i mod 2), in groups of these sizes. */
function packOf(sizes: readonly number[], blockRowsMax = 64): PackedRows {
  const groups = sizes.flatMap((size, group) => Array.from({ length: size }, () => group))
  const firstRows = [0]
  for (let row = 0, start = 0; row < groups.length; row += sizes[groups[row]])
    if (row + sizes[groups[row]] - start > blockRowsMax) firstRows.push((start = row))
  const rowsOf = (block: number) => (firstRows[block + 1] ?? groups.length) - firstRows[block]
  const digestOf = (from: number, count: number) =>
    Array.from({ length: count }, (_, k) => from + k).reduce(
      (sum, row) => (sum + rowDigest(row, row + 1, row % 2)) % 2 ** 32,
      0,
    )
  const blocks = firstRows.map((from, i) => {
    const rows = rowsOf(i)
    return { file: 0, rows, byteOffset: 0, crc32: 0, digest: digestOf(from, rows) }
  })
  return {
    split: 'train',
    plan: PLAN,
    fingerprint: '',
    path: '',
    rows: groups.length,
    clicks: 0,
    dropped: 0,
    digest: digestOf(0, groups.length),
    groups: { count: sizes.length, longest: Math.max(...sizes), withoutOrder: 0, split: 0 },
    files: [{ name: 'all', rows: groups.length, dropped: 0, firstBlock: 0, blockCount: blocks.length }],
    blocks,
    blockRowsMax,
    async readBlockInto(i, target) {
      const own = blockRows(PLAN, target.buffer, target.byteOffset, blocks[i].rows)
      for (let k = 0, row = firstRows[i]; k < blocks[i].rows; k++, row++) {
        own.users[k] = row
        own.restaurants[k] = row + 1
        own.clicks[k] = row % 2
        own.groups[k] = groups[row]
      }
    },
    async close() {},
  }
}

/** The batches that the workers cut from chunks, each a list of rows. */
async function batchesOf(stream: RowStream, max: number, chunkRows = max): Promise<number[][]> {
  const batches: number[][] = []
  for (;;) {
    const chunk = allocateRows(PLAN, chunkRows)
    const end = await stream.nextInto(chunk)
    if (end === 0) return batches
    for (let start = 0; start < end; ) {
      const size = batchOfGroups(chunk.groups as Uint32Array, { start, end, max })
      const batch = allocateRows(PLAN, size)
      copyRows(PLAN, batch, 0, { from: chunk, start, end: start + size })
      for (const [i, user] of batch.users.entries()) assert.equal(batch.clicks[i], user % 2)
      batches.push([...batch.users])
      start += size
    }
  }
}

const groupSizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 120 })
const order = (of: Partial<RowOrder>): RowOrder => ({
  shuffle: true,
  seed: 5,
  epoch: 1,
  validation: 0,
  select: 'all',
  ...of,
})
const setting = fc.record({
  sizes: groupSizes,
  max: fc.integer({ min: 20, max: 70 }),
  chunks: fc.integer({ min: 1, max: 4 }),
  shuffle: fc.boolean(),
  epoch: fc.nat(5),
})
const held = { validation: 0.2, select: 'training' } as const

test('batches are of whole groups, as many as fit; each row is in one, its group in the same; the books agree', async () => {
  await fc.assert(
    fc.asyncProperty(setting, async ({ sizes, max, chunks, shuffle, epoch }) => {
      const pack = packOf(sizes)
      const groups = sizes.flatMap((size, group) => Array.from({ length: size }, () => group))
      const stream = new RowStream(pack, order({ shuffle, epoch, wholeGroups: max }))
      const batches = await batchesOf(stream, max, chunks * max)
      const own = batches.map((rows) => {
        assert.ok(rows.length <= max)
        const members = [...Map.groupBy(rows, (row) => groups[row])]
        for (const [group, [first, ...rest]] of members)
          assert.deepEqual(
            [first, ...rest],
            Array.from({ length: sizes[group] }, (_, k) => first + k),
          )
        return members.map(([group]) => group)
      })
      assert.deepEqual(
        own.flat().toSorted((a, b) => a - b),
        sizes.map((_, group) => group),
      )
      if (!shuffle)
        assert.deepEqual(
          own.flat(),
          sizes.map((_, group) => group),
        )
      assert.equal(stream.count.rows, pack.rows)
      assert.equal(stream.count.digest, pack.digest)
      // A batch ends early at the end of a window alone.
      const windows = Math.ceil(pack.blocks.length / (shuffle ? 8 : 1))
      const early = batches.filter(
        (rows, i) => i + 1 < batches.length && rows.length + sizes[own[i + 1][0]] <= max,
      )
      assert.ok(early.length < windows, `${early.length} batches end early in ${windows} windows`)
    }),
  )
})

test('the chunks in which rows come, and where reading begins, change no batch', async () => {
  await fc.assert(
    fc.asyncProperty(setting, fc.nat(40), async ({ sizes, max, chunks, shuffle, epoch }, passed) => {
      const pack = packOf(sizes)
      const open = () => new RowStream(pack, order({ shuffle, epoch, wholeGroups: max, ...held }))
      const whole = await batchesOf(open(), max)
      assert.deepEqual(await batchesOf(open(), max, chunks * max), whole)
      const stream = open()
      const skipped = whole.slice(0, passed).flat().length
      assert.equal(await stream.skip(skipped), skipped)
      assert.deepEqual(await batchesOf(stream, max, chunks * max), whole.slice(passed))
      assert.equal(stream.count.rows, whole.flat().length)
    }),
  )
})

test('whole groups are held out, the same in every epoch, about the share asked for', async () => {
  const random = new Random(2)
  const sizes = Array.from({ length: 2000 }, () => 1 + random.below(20))
  const pack = packOf(sizes)
  const part = (select: RowOrder['select'], epoch: number) =>
    new RowStream(pack, order({ validation: 0.2, select, epoch, wholeGroups: 64 }))
  const [training, validation] = [part('training', 1), part('validation', 1)]
  const trained = (await batchesOf(training, 64)).flat()
  const heldOut = (await batchesOf(validation, 64)).flat()
  const groups = sizes.flatMap((size, group) => Array.from({ length: size }, () => group))
  const groupsOf = (rows: number[]) => new Set(rows.map((row) => groups[row]))
  assert.ok(groupsOf(trained).isDisjointFrom(groupsOf(heldOut)))
  assert.equal(trained.length + heldOut.length, pack.rows)
  assert.ok(Math.abs(groupsOf(heldOut).size / sizes.length - 0.2) < 0.03)
  const again = (await batchesOf(part('validation', 2), 64)).flat()
  assert.deepEqual(new Set(again), new Set(heldOut))
  assert.equal((training.count.digest + validation.count.digest) % 2 ** 32, pack.digest)
  assert.deepEqual(training.count.heldOut, validation.count.used)
})

test('the steps of an epoch are counted beforehand: exactly in file order, closely if shuffled', async () => {
  const random = new Random(4)
  const ofTwenty = Array.from({ length: 2000 }, () => 20)
  const ofAny = Array.from({ length: 4000 }, () => 1 + random.below(20))
  for (const sizes of [ofTwenty, ofAny])
    for (const batchSize of [20, 30, 39, 500])
      for (const shuffle of [false, true]) {
        const pack = packOf(sizes, 2048)
        const settings = { ...PRESETS.default, shuffle, batchSize, validation: 0.1, seed: 5 }
        const { rows, steps } = await epochSize(pack, settings)
        const epoch = order({ shuffle, wholeGroups: batchSize, validation: 0.1, select: 'training' })
        const batches = await batchesOf(new RowStream(pack, epoch), batchSize)
        assert.equal(rows, batches.flat().length)
        const off = Math.abs(steps - batches.length) / batches.length
        assert.ok(off <= (shuffle ? 0.03 : 0), `${steps} steps of ${batches.length} with ${batchSize} rows`)
      }
})
