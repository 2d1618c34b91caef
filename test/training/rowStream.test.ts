import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { allocateRows, blockRows, CLICK_PLAN } from '../../src/dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import { rowDigest } from '../../src/dataset/clicks/rowDigest.ts'
import { type RowOrder, RowStream, trainingRows } from '../../src/training/rows/rowStream.ts'

const BLOCK_ROWS = 8

/** A pack in memory whose row i is (user i, restaurant i + 1, click i mod 2); blocks of at most 8 rows. */
function packOf(fileRows: number[]): PackedRows {
  const blocks: PackedRows['blocks'] = []
  const files: PackedRows['files'] = []
  const firstRows: number[] = []
  let row = 0
  for (const [file, rows] of fileRows.entries()) {
    const firstBlock = blocks.length
    for (let at = 0; at < rows; at += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - at)
      firstRows.push(row + at)
      blocks.push({ file, rows: count, byteOffset: 0, crc32: 0, digest: digestOf(row + at, count) })
    }
    files.push({ name: `${file}`, rows, dropped: 0, firstBlock, blockCount: blocks.length - firstBlock })
    row += rows
  }
  return {
    split: 'train',
    plan: CLICK_PLAN,
    fingerprint: '',
    path: '',
    rows: row,
    clicks: 0,
    dropped: 0,
    digest: digestOf(0, row),
    files,
    blocks,
    blockRowsMax: BLOCK_ROWS,
    async readBlockInto(i, target) {
      const { rows } = blocks[i]
      const { users, restaurants, clicks } = blockRows(CLICK_PLAN, target.buffer, target.byteOffset, rows)
      for (let k = 0; k < rows; k++) {
        users[k] = firstRows[i] + k
        restaurants[k] = firstRows[i] + k + 1
        clicks[k] = (firstRows[i] + k) % 2
      }
    },
    async close() {},
  }
}

function digestOf(from: number, count: number): number {
  let sum = 0
  for (let row = from; row < from + count; row++) sum = (sum + rowDigest(row, row + 1, row % 2)) % 2 ** 32
  return sum
}

async function readAll(stream: RowStream, size: number): Promise<{ users: number[]; sizes: number[] }> {
  const users: number[] = []
  const sizes: number[] = []
  for (;;) {
    const batch = allocateRows(CLICK_PLAN, size)
    const rows = await stream.nextInto(batch)
    if (rows === 0) return { users, sizes }
    sizes.push(rows)
    for (let i = 0; i < rows; i++) {
      assert.equal(batch.restaurants[i], batch.users[i] + 1, 'the columns of a row stay together')
      assert.equal(batch.clicks[i], batch.users[i] % 2)
      users.push(batch.users[i])
    }
  }
}

const sorted = (values: number[]) => values.toSorted((a, b) => a - b)
const range = (count: number) => Array.from({ length: count }, (_, i) => i)
const order = (of: Partial<RowOrder>): RowOrder => ({
  shuffle: false,
  seed: 5,
  epoch: 1,
  validation: 0,
  select: 'all',
  ...of,
})
const fileSizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 })

test('every row passes exactly once, in any order and batch size; the books agree', async () => {
  await fc.assert(
    fc.asyncProperty(
      fileSizes,
      fc.integer({ min: 1, max: 50 }),
      fc.boolean(),
      fc.nat(9),
      async (files, size, shuffle, epoch) => {
        const pack = packOf(files)
        const stream = new RowStream(pack, order({ shuffle, epoch }))
        const { users } = await readAll(stream, size)
        assert.deepEqual(sorted(users), range(pack.rows))
        if (!shuffle) assert.deepEqual(users, range(pack.rows))
        assert.deepEqual(stream.count, {
          rows: pack.rows,
          digest: pack.digest,
          heldDigest: 0,
          used: files,
          heldOut: files.map(() => 0),
        })
      },
    ),
  )
})

test('in file order every file ends in a short batch; shuffled, only the last batch is short', async () => {
  const pack = packOf([21, 10, 3])
  const inOrder = await readAll(new RowStream(pack, order({})), 10)
  assert.deepEqual(inOrder.sizes, [10, 10, 1, 10, 3])
  const shuffled = await readAll(new RowStream(pack, order({ shuffle: true })), 10)
  assert.deepEqual(shuffled.sizes, [10, 10, 10, 4])
})

test('a shuffle is another one in every epoch and for every seed, the same for the same ones, and moves rows far', async () => {
  const pack = packOf([400, 400])
  const read = async (of: Partial<RowOrder>) =>
    (await readAll(new RowStream(pack, order({ shuffle: true, ...of })), 64)).users
  const first = await read({})
  assert.deepEqual(await read({}), first)
  assert.notDeepEqual(await read({ epoch: 2 }), first)
  assert.notDeepEqual(await read({ seed: 6 }), first)
  const distance = first.reduce((sum, user, i) => sum + Math.abs(user - i), 0) / first.length
  assert.ok(distance > 150, `mean distance ${distance}; 267 for a perfect shuffle of 800`)
})

test('training and validation part every pack in two: the same rows in every epoch, about the share asked for', async () => {
  const pack = packOf([3000, 2000])
  const part = (select: RowOrder['select'], epoch: number) =>
    new RowStream(pack, order({ validation: 0.2, select, epoch }))
  const training = part('training', 1)
  const validation = part('validation', 1)
  const { users: trained } = await readAll(training, 100)
  const { users: held } = await readAll(validation, 100)
  assert.deepEqual(sorted([...trained, ...held]), range(pack.rows))
  assert.ok(Math.abs(held.length / pack.rows - 0.2) < 0.03)
  assert.deepEqual((await readAll(part('validation', 2), 100)).users, held)
  assert.deepEqual(trainingRows(pack, { seed: 5, validation: 0.2 }), training.count.used)
  assert.deepEqual(training.count.heldOut, validation.count.used)
  assert.equal((training.count.digest + validation.count.digest) % 2 ** 32, pack.digest)
  assert.equal(training.count.heldDigest, validation.count.digest)
})

test('skipping rows comes to the same place, with the same books, as reading them', async () => {
  await fc.assert(
    fc.asyncProperty(fileSizes, fc.nat(200), fc.boolean(), async (files, skipped, shuffle) => {
      const pack = packOf(files)
      const whole = await readAll(
        new RowStream(pack, order({ shuffle, validation: 0.1, select: 'training' })),
        1,
      )
      const stream = new RowStream(pack, order({ shuffle, validation: 0.1, select: 'training' }))
      const count = Math.min(skipped, whole.users.length)
      assert.equal(await stream.skip(skipped), count)
      const rest = await readAll(stream, 1)
      assert.deepEqual(rest.users, whole.users.slice(count))
      assert.equal(stream.count.rows, whole.users.length)
    }),
  )
})
