import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import * as fc from 'fast-check'
import { ChangeLog } from '../../src/live/changeLog.ts'
import { eventually } from '../store/redisRowsOfServer.ts'

const RING_LENGTH = ChangeLog.BYTES / 4 - 2
const never = () => false
const always = () => true

// The sequence is 32 bits, counts two for each change, and is preset to where it wraps round.
const PRESETS = [0, 2, 2 ** 31 - 2, 2 ** 31 - 4, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 4, 2 ** 32 - 2 * RING_LENGTH]

for (const preset of PRESETS)
  describe(`ChangeLog from sequence ${preset}`, () => {
    test('any reads among any changes: untouched means none of the rows that concern it changed in between', () => {
      const step = fc.oneof(
        fc.record({ row: fc.integer({ min: 0, max: 5 }) }),
        fc.record({ reader: fc.integer({ min: 0, max: 2 }), concern: fc.integer({ min: 0, max: 5 }) }),
      )
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          const log = logAt(preset)
          const reads = Array.from({ length: 3 }, () => ({ start: log.start(), changed: new Set<number>() }))
          for (const each of steps)
            if ('row' in each) {
              log.change(each.row, () => {})
              for (const read of reads) read.changed.add(each.row)
            } else {
              const { start, changed } = reads[each.reader]
              const isUntouched = log.isUntouched(start, (row) => row === each.concern)
              assert.equal(isUntouched, !changed.has(each.concern))
              reads[each.reader] = { start: log.start(), changed: new Set() }
            }
        }),
      )
    })

    test('a read that begins or ends within a change is touched by it, and by no other row', () => {
      const log = logAt(preset)
      const concerns3 = (row: number) => row === 3
      const concerns4 = (row: number) => row === 4
      let before = log.start()
      let within = 0
      log.change(3, () => {
        assert.equal(log.isUntouched(before, concerns3), false)
        assert.equal(log.isUntouched(before, concerns4), true)
        within = log.start()
        assert.equal(log.isUntouched(within, concerns3), false, 'begun and ended within')
        assert.equal(log.isUntouched(within, concerns4), true)
      })
      assert.equal(log.isUntouched(before, concerns3), false)
      assert.equal(log.isUntouched(within, concerns3), false)
      assert.equal(log.isUntouched(within, concerns4), true)
      before = log.start()
      log.change(4, () => {
        assert.equal(log.isUntouched(before, concerns3), true)
      })
      assert.equal(log.isUntouched(within, concerns4), false)
      assert.equal(log.isUntouched(before, concerns3), true, 'the change before the read is none of its')
    })

    test('more changes than the log remembers touch everything; as many as it can answer for do not', () => {
      const log = logAt(preset)
      const start = log.start()
      for (let i = 1; i < RING_LENGTH; i++) log.change(7, () => {})
      assert.equal(log.isUntouched(start, never), true)
      assert.equal(
        log.isUntouched(start, (row) => row === 7),
        false,
      )
      for (let i = 0; i < 3 * RING_LENGTH; i++) {
        log.change(7, () => {})
        if (i % 1000 === 0) assert.equal(log.isUntouched(start, never), false)
      }
      assert.equal(log.isUntouched(log.start(), always), true)
    })

    test('the writer comes round while a reader goes through the log: touched', () => {
      const log = logAt(preset)
      const start = log.start()
      log.change(1, () => {})
      let asked = 0
      const overtaken = () => {
        if (asked++ === 0) for (let i = 0; i < RING_LENGTH; i++) log.change(2, () => {})
        return false
      }
      assert.equal(log.isUntouched(start, overtaken), false)
      assert.equal(asked, 1)
    })
  })

describe('ChangeLog', () => {
  test('nothing changed: nobody is asked what concerns it', () => {
    const log = logAt(0)
    const start = log.start()
    assert.equal(
      log.isUntouched(start, () => assert.fail('asked')),
      true,
    )
  })

  test('a write that throws counts as a change, and readers and writers go on after it', () => {
    const log = logAt(0)
    const start = log.start()
    assert.throws(() => log.change(1, () => assert.fail('inside')), /inside/)
    assert.equal(
      log.isUntouched(start, (row) => row === 1),
      false,
    )
    assert.equal(log.isUntouched(log.start(), always), true)
    let isRun = false
    log.change(2, () => {
      isRun = true
      assert.equal(log.isUntouched(log.start(), always), false)
    })
    assert.ok(isRun)
  })

  test('three threads add to a plain counter under the lock: no addition is lost, and everybody gets his turn', async () => {
    const job = {
      shared: new SharedArrayBuffer(ChangeLog.BYTES),
      words: new SharedArrayBuffer(8),
      threads: 3,
      turns: 30_000,
    }
    const url = new URL('./lockedCounter.ts', import.meta.url)
    const workers = [0, 1, 2].map(() => new Worker(url, { execArgv: [], workerData: job }))
    assert.deepEqual(await Promise.all(workers.map((worker) => once(worker, 'exit'))), [[0], [0], [0]])
    assert.equal(new Int32Array(job.words)[0], 3 * job.turns)
  })

  test('a thread that dies with the lock does not hold the others for ever', async () => {
    const shared = new SharedArrayBuffer(ChangeLog.BYTES)
    const url = new URL('./lockHolder.ts', import.meta.url)
    const worker = new Worker(url, { execArgv: [], workerData: shared })
    await once(worker, 'message')
    await worker.terminate()
    const log = new ChangeLog(shared)
    let changed = 0
    for (let i = 0; i < 3; i++) log.change(1, () => changed++)
    assert.equal(changed, 3)
    assert.equal(isLocked(shared), false)
  })

  test('a thread that lives but is slow loses its turn, and ends nobody else’s when it goes on', async () => {
    const { shared, phase, worker } = slowReader()
    const log = new ChangeLog(shared)
    await letChange(phase, 1, () => log.change(1, () => {}))
    await letChange(phase, 3, () => log.change(1, () => {}))
    await reached(phase, 5) // with the lock
    log.change(1, () => {})
    log.locked(() => {
      setPhase(phase, 6)
      // It ends its turn, and begins to wait for another one.
      Atomics.wait(phase, 0, 6, 300)
      assert.equal(phase[0], 6, 'it does not read meanwhile')
      assert.ok(isLocked(shared))
    })
    await reached(phase, 7)
    setPhase(phase, 8)
    await once(worker, 'exit')
    assert.equal(isLocked(shared), false)
  })

  test('a reader that is too slow for its lock sees no half of a change', async () => {
    const { shared, phase, pair, worker } = slowReader()
    const log = new ChangeLog(shared)
    const change = () => log.change(1, () => pair.set([pair[0] + 1, pair[1] + 1]))
    const [read, ended] = [once(worker, 'message'), once(worker, 'exit')] // both may come in one turn
    for (const attempt of [1, 3, 5]) await letChange(phase, attempt, change)
    await reached(phase, 7)
    setPhase(phase, 8)
    assert.deepEqual(await read, [[3, 3]])
    await ended
  })
})

/** A thread that reads a pair of numbers, and waits between the two: see slowReader.ts. */
function slowReader(): { shared: SharedArrayBuffer; phase: Int32Array; pair: Int32Array; worker: Worker } {
  const job = {
    shared: new SharedArrayBuffer(ChangeLog.BYTES),
    phase: new SharedArrayBuffer(4),
    pair: new SharedArrayBuffer(8),
  }
  const worker = new Worker(new URL('./slowReader.ts', import.meta.url), { execArgv: [], workerData: job })
  return { ...job, phase: new Int32Array(job.phase), pair: new Int32Array(job.pair), worker }
}

/** Changes while it waits in the phase, then lets it go on. */
async function letChange(phase: Int32Array, at: number, change: () => void): Promise<void> {
  await reached(phase, at)
  change()
  setPhase(phase, at + 1)
}

async function reached(phase: Int32Array, value: number): Promise<void> {
  await eventually(() => assert.equal(Atomics.load(phase, 0), value))
}

function setPhase(phase: Int32Array, value: number): void {
  Atomics.store(phase, 0, value)
  Atomics.notify(phase, 0)
}

function isLocked(shared: SharedArrayBuffer): boolean {
  return (new Int32Array(shared)[1] & 1) === 1
}

/** A log that has seen `sequence / 2` changes. */
function logAt(sequence: number): ChangeLog {
  const shared = new SharedArrayBuffer(ChangeLog.BYTES)
  new Int32Array(shared)[0] = sequence
  return new ChangeLog(shared)
}
