import assert from 'node:assert/strict'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BlockBuilder } from '../../src/dataset/clicks/blockBuilder.ts'
import {
  allocateRows,
  blockRows,
  CLICK_PLAN,
  clickPlan,
  type ClickRows,
  copyRows,
  gatherRows,
  packBlock,
  rowBytes,
  type RowPlan,
} from '../../src/dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import { DurableFile } from '../../src/dataset/pack/durableFile.ts'
import { RowStream } from '../../src/training/rows/rowStream.ts'
import { withFolder } from './fixture.ts'

/** The format of today with one more column, as a sample weight would be. */
const WEIGHTED: RowPlan = [...CLICK_PLAN.slice(0, 2), { name: 'weights', type: 'f32' }, CLICK_PLAN[2]]

/** Row i: user i, restaurant 3·i, click i mod 2, weight i / 8, whichever of them there are. */
function fillRows(rows: ClickRows, start = 0): ClickRows {
  for (let i = 0; i < rows.clicks.length; i++) {
    rows.users[i] = start + i
    rows.restaurants[i] = 3 * (start + i)
    rows.clicks[i] = (start + i) % 2
    if ('weights' in rows) rows.weights[i] = (start + i) / 8
    if ('context' in rows) for (let k = 0; k < 3; k++) rows.context[3 * i + k] = 1000 * (start + i) + k
  }
  return rows
}

test('a click row is 9 bytes: all user rows, then all restaurant rows, then all clicks, little-endian', () => {
  assert.equal(rowBytes(CLICK_PLAN), 9)
  const bytes = packBlock(CLICK_PLAN, fillRows(allocateRows(CLICK_PLAN, 4), 500), 3, new Uint8Array(100))
  const view = Buffer.from(bytes)
  assert.equal(view.length, 27)
  for (let i = 0; i < 3; i++) {
    assert.equal(view.readUInt32LE(4 * i), 500 + i)
    assert.equal(view.readUInt32LE(12 + 4 * i), 3 * (500 + i))
    assert.equal(view.readUInt8(24 + i), i % 2)
  }
})

test('blocks, copies and permutations keep every column of a row together, for any plan', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<RowPlan>(CLICK_PLAN, WEIGHTED, clickPlan(3)),
      fc.array(fc.nat(39), { minLength: 1, maxLength: 60 }),
      fc.nat(20),
      (plan, order, at) => {
        const from = fillRows(allocateRows(plan, 40))
        const packed = packBlock(plan, from, 40, new Uint8Array(40 * rowBytes(plan)))
        const block = blockRows(plan, packed.buffer, packed.byteOffset, 40)
        const gathered = allocateRows(plan, at + order.length)
        gatherRows(plan, gathered, at, { from: block, order: Uint32Array.from(order), count: order.length })
        const copied = allocateRows(plan, order.length)
        copyRows(plan, copied, 0, { from: gathered, start: at, end: at + order.length })
        for (const { name, width = 1 } of plan)
          assert.deepEqual(
            Array.from(copied[name]),
            order.flatMap((row) => Array.from(from[name].subarray(row * width, (row + 1) * width))),
            name,
          )
      },
    ),
  )
})

test('a further column is one entry of the plan: it is packed, read and shuffled with its row', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'rows')
    const output = await DurableFile.create(path)
    const builder = new BlockBuilder(output, WEIGHTED)
    for (const [file, chunks] of [3, 1].entries()) {
      builder.startFile(`${file}`)
      for (let chunk = 0; chunk < chunks; chunk++) {
        await builder.append(2048, fillRows(allocateRows(WEIGHTED, 2048), 2048 * (3 * file + chunk)))
      }
      await builder.endFile()
    }
    await output.close()
    const body = builder.body()
    assert.equal((await readFile(path)).length, 13 * body.rows)
    const handle = await open(path)
    const pack: PackedRows = {
      ...body,
      split: 'train',
      plan: WEIGHTED,
      fingerprint: '',
      path,
      blockRowsMax: Math.max(...body.blocks.map(({ rows }) => rows)),
      async readBlockInto(i, target) {
        const { byteOffset, rows } = body.blocks[i]
        await handle.read(target, 0, rows * rowBytes(WEIGHTED), byteOffset)
      },
      close: () => handle.close(),
    }
    const order = { shuffle: true, seed: 1, epoch: 1, validation: 0.2, select: 'training' as const }
    const stream = new RowStream(pack, order)
    const target = allocateRows(WEIGHTED, 1000)
    const seen = new Set<number>()
    for (let rows = await stream.nextInto(target); rows > 0; rows = await stream.nextInto(target))
      for (let i = 0; i < rows; i++) {
        const user = target.users[i]
        assert.deepEqual(
          [target.restaurants[i], target.clicks[i], target.weights[i]],
          [3 * user, user % 2, user / 8],
        )
        seen.add(user)
      }
    assert.equal(seen.size, stream.count.rows)
    assert.ok(seen.size > 0.7 * body.rows && seen.size < 0.9 * body.rows, `${seen.size} of ${body.rows}`)
    await pack.close()
  })
})
