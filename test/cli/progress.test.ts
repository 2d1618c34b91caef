import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { packState } from '../../src/cli/progress/packState.ts'
import { Progress } from '../../src/cli/progress/progress.ts'
import { plainProgressLine, progressLine } from '../../src/cli/progress/progressLine.ts'

process.env.TERM = 'xterm' // one that calls itself dumb is not redrawn on

const state = {
  stage: 'train 2/5',
  done: 5_000_000,
  total: 10_000_000,
  rowsPerSecond: 3_120_000,
  loss: 0.43214,
  secondsLeft: 65,
  rssBytes: () => 671_088_640,
}

function fakeStream(isTTY: boolean, columns = 100) {
  const written: string[] = []
  return { written, isTTY, columns, write: (text: string) => written.push(text) }
}

describe('progress', () => {
  test('a wide line holds everything', () => {
    const line = progressLine(state, 120)
    for (const part of ['train 2/5', ' 50 %', '3.12 M rows/s', 'loss 0.4321', '1 min 05 s left', '640 MiB'])
      assert.ok(line.includes(part), `${part} is not in ${line}`)
    assert.equal(line.split('█').length, line.split('░').length, 'half of the bar is filled')
  })

  test('a line is never longer than the terminal is wide', () => {
    const anyNumber = fc.double({ noNaN: false })
    fc.assert(
      fc.property(
        fc.nat(150),
        fc.nat(),
        fc.nat(),
        anyNumber,
        anyNumber,
        (columns, done, total, loss, left) => {
          const line = progressLine({ ...state, done, total, loss, secondsLeft: left }, columns)
          assert.ok(line.length <= columns)
          assert.doesNotMatch(line, /NaN|Infinity|undefined/)
        },
      ),
    )
  })

  test('what is counted need not be rows', () => {
    const files = { stage: 'open train', unit: 'files', done: 64, total: 128, rowsPerSecond: 300 }
    assert.match(progressLine(files, 80), /50 % {2}300 files\/s$/)
    assert.match(plainProgressLine(files), /64 of 128 files {2}300 files\/s$/)
    const stream = fakeStream(false)
    let nowMs = 0
    const progress = new Progress(stream, () => nowMs)
    progress.update({ ...files, done: 0 })
    nowMs = 4000
    progress.update({ ...files, done: 128 })
    progress.end()
    assert.match(stream.written.join(''), /open train {2}128 files in 4\.0+ s {2}32 files\/s\n/)
  })

  test('one row is not rows', () => {
    const stream = fakeStream(false)
    let nowMs = 0
    const progress = new Progress(stream, () => nowMs)
    progress.update({ stage: 'score', done: 0, total: 1 })
    nowMs = 4000
    progress.update({ stage: 'score', done: 1, total: 1 })
    progress.end()
    assert.match(stream.written.join(''), /score {2}1 row in 4\.0+ s/)
  })

  test('the memory goes first where it is narrow, the stage last', () => {
    assert.match(progressLine(state, 62), /left/)
    assert.doesNotMatch(progressLine(state, 62), /MiB/)
    assert.equal(progressLine(state, 5), 'train')
  })

  test('a terminal gets one line that is redrawn ten times a second at most, and is clean after the end', () => {
    const stream = fakeStream(true)
    let nowMs = 0
    const progress = new Progress(stream, () => nowMs)
    for (; nowMs < 1000; nowMs += 10) progress.update(state)
    assert.ok(stream.written.length >= 9 && stream.written.length <= 11, `${stream.written.length} redraws`)
    assert.ok(stream.written.every((text) => text.startsWith('\r\u001b[2K') && !text.includes('\n')))
    progress.end()
    assert.equal(stream.written.at(-1), '\r\u001b[2K')
    progress.end()
    assert.equal(stream.written.at(-1), '\r\u001b[2K')
  })

  test('elsewhere a line every five seconds, without control characters', () => {
    const stream = fakeStream(false)
    let nowMs = 0
    const progress = new Progress(stream, () => nowMs)
    for (; nowMs <= 16_000; nowMs += 100) progress.update({ ...state, done: nowMs * 10 })
    assert.equal(stream.written.length, 3)
    for (const text of stream.written) {
      assert.match(text, /^train 2\/5 {2}.*\n$/)
      assert.ok(!text.includes('\r') && !text.includes('\u001b'))
    }
  })

  test('speed and time left are worked out of the rows', () => {
    const stream = fakeStream(false)
    let nowMs = 0
    const progress = new Progress(stream, () => nowMs)
    progress.update({ stage: 'pack', done: 0, total: 100_000 })
    nowMs = 10_000
    progress.update({ stage: 'pack', done: 20_000, total: 100_000 })
    assert.match(stream.written.join(''), /2\.00 k rows\/s {2}40 s left/)
  })

  test('a line that stays takes the bar away first; a long stage leaves a line', () => {
    const stream = fakeStream(true)
    let nowMs = 0
    const progress = new Progress(stream, () => nowMs)
    progress.update({ stage: 'pack', done: 0, total: 100 })
    progress.line('epoch 1')
    assert.deepEqual(stream.written.slice(-2), ['\r\u001b[2K', 'epoch 1\n'])
    nowMs = 4000
    progress.update({ stage: 'pack', done: 100, total: 100 })
    progress.update({ stage: 'next', done: 0, total: 100 })
    assert.ok(stream.written.includes('pack  100 rows in 4.00 s  25 rows/s\n'), stream.written.join('|'))
  })

  test('packing says whether it opens files, reads rows or sorts them', () => {
    const rows = { stage: 'train' as const, rowsDone: 5, rowsTotal: 10 }
    const event = { type: 'pack' as const, ...rows }
    assert.deepEqual(packState(event), { stage: 'pack train', done: 5, total: 10 })
    assert.deepEqual(packState({ ...event, isSorting: true }), { stage: 'sort train', done: 5, total: 10 })
    const filesOpened = { done: 1, total: 2 }
    assert.deepEqual(packState({ ...event, filesOpened }), {
      stage: 'open train',
      unit: 'files',
      ...filesOpened,
    })
  })

  test('a plain line tells rows', () => {
    assert.match(plainProgressLine(state), /^train 2\/5 {2}5000000 of 10000000 rows {2}3\.12 M rows\/s/)
  })
})
