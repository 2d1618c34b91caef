import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import { ledgerEpoch } from '../../src/training/rows/ledger.ts'
import type { RowCount } from '../../src/training/rows/rowStream.ts'
import { CrewHarness } from './crewHarness.ts'

const network = { userFeatures: 2, restaurantFeatures: 1, hidden: [4], activations: ['relu' as const] }
const batches = [{ features: new Float32Array(30).fill(0.5), clicks: new Uint8Array(10).fill(1) }]

test('a job for workers that have ended is refused, and does not wait for ever', async () => {
  const harness = new CrewHarness({ network, batches })
  await harness.close()
  await assert.rejects(harness.step(0), /worker thread ended/)
})

test('where one side of a job fails, all of it does', async () => {
  const harness = new CrewHarness({ network, batches })
  const broken = new Error('the disk is gone')
  await assert.rejects(
    harness.lead.run({ type: 'train' }, () => Promise.reject(broken)),
    broken,
  )
  await assert.rejects(harness.lead.run({ type: 'fold' }), broken)
  await harness.close()
})

test('the ledger finds a row lost, used twice, taken for another, or in no file', () => {
  const pack = {
    digest: 100,
    files: [
      { name: 'a', rows: 6, dropped: 1 },
      { name: 'b', rows: 4, dropped: 0 },
    ],
  } as PackedRows
  const count: RowCount = { rows: 9, digest: 70, heldDigest: 30, used: [5, 4], heldOut: [1, 0] }
  const gathered = { rowsDone: 9, digest: 70 }
  assert.deepEqual(ledgerEpoch(2, pack, count, gathered), {
    epoch: 2,
    rows: 9,
    digest: '00000046',
    files: [
      { file: 'a', rows: 7, used: 5, dropped: 1, validation: 1 },
      { file: 'b', rows: 4, used: 4, dropped: 0, validation: 0 },
    ],
  })
  const wrong: Partial<RowCount>[] = [
    { rows: 10 },
    { digest: 71 },
    { digest: 71, heldDigest: 29 },
    { heldDigest: 31 },
    { used: [4, 5] },
    { used: [5, 3] },
    { heldOut: [0, 1] },
  ]
  for (const change of wrong)
    assert.throws(() => ledgerEpoch(2, pack, { ...count, ...change }, gathered), /does not add up/)
  for (const other of [{ rowsDone: 10 }, { digest: 71 }])
    assert.throws(() => ledgerEpoch(2, pack, count, { ...gathered, ...other }), /does not add up/)
})
