import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs, { existsSync } from 'node:fs'
import { copyFile, type FileHandle, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { NearrankError } from '../../src/errors.ts'
import { openSafetensors } from '../../src/model/safetensorsFile.ts'
import { Random } from '../../src/random.ts'
import { type CheckpointArrays, readCheckpoint } from '../../src/training/run/checkpoint.ts'
import { resumePoint } from '../../src/training/run/resumePoint.ts'
import { train } from '../../src/training/train.ts'
import type { TrainOptions } from '../../src/training/types.ts'
import { smallData } from './dataFixture.ts'

const { data, folder } = await smallData()
const SEED = Date.now()
const KILLS = 12
const WRITER = fileURLToPath(new URL('writeCheckpoints.ts', import.meta.url))

const settings = {
  data,
  hidden: [16, 8],
  batchSize: 64,
  epochs: 4,
  threads: 1,
  validation: 0.1,
  keep: 'best' as const,
}
const weightsOf = (out: string) => readFile(join(out, 'weights.safetensors'))

/** A run stopped after its second epoch: its two checkpoints, of different steps. */
const kept = join(folder, 'kept')
let wholeWeights: Buffer
let steps: { newest: number; previous: number }
let run: string
let size: number // of each of its arrays

before(async () => {
  const whole = join(folder, 'whole')
  await train({ ...settings, out: whole })
  wholeWeights = await weightsOf(whole)
  await mkdir(kept)
  const out = join(kept, 'model')
  const stop = new AbortController()
  await assert.rejects(
    train({
      ...settings,
      out,
      signal: stop.signal,
      onProgress: (event) => event.type === 'epoch' && event.epoch.epoch === 2 && stop.abort(),
    }),
  )
  const [newest, previous] = [
    await readCheckpoint(`${out}.checkpoint`),
    await readCheckpoint(`${out}.checkpoint.previous`),
  ]
  steps = { newest: newest!.state.step, previous: previous!.state.step }
  run = newest!.state.run
  size = (await openSafetensors(`${out}.checkpoint`)).tensors.get('parameters')!.shape[0]
})

/** The two checkpoints in a folder of their own, where a test may damage them. */
async function copies(name: string) {
  const place = join(folder, name)
  await mkdir(place)
  for (const file of await readdir(kept)) await copyFile(join(kept, file), join(place, file))
  const out = join(place, 'model')
  return { out, newest: `${out}.checkpoint`, previous: `${out}.checkpoint.previous` }
}

function arraysOf(length: number): CheckpointArrays {
  const array = () => new Float32Array(length)
  return { parameters: array(), momentsM: array(), momentsV: array(), best: array() }
}

/** The disk fails once, at read `at` (from 1) of the file `path`, until it is repaired; how many reads there were. */
function failReads(path: string, at: number): { repair: () => number } {
  const { open } = fs.promises
  let reads = 0
  fs.promises.open = async (...args) => {
    const file = await open(...args)
    const read = file.read.bind(file) as (...given: unknown[]) => ReturnType<FileHandle['read']>
    const failing = (...given: unknown[]) =>
      ++reads === at
        ? Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }))
        : read(...given)
    return args[0] === path ? Object.assign(file, { read: failing }) : file
  }
  syncBuiltinESMExports()
  return {
    repair: () => {
      fs.promises.open = open
      syncBuiltinESMExports()
      return reads
    },
  }
}

async function flip(path: string, position: number, bit = 0) {
  const bytes = await readFile(path)
  bytes[position] ^= 1 << bit
  await writeFile(path, bytes)
}

async function resumed(out: string, more: Partial<TrainOptions> = {}) {
  const notes: string[] = []
  let resumedAtStep = -1
  await train({
    ...settings,
    ...more,
    out,
    resume: true,
    onProgress: (event) => {
      if (event.type === 'note') notes.push(event.message)
      if (event.type === 'start') resumedAtStep = event.resumedAtStep
    },
  })
  return { notes: notes.join('\n'), resumedAtStep }
}

function refused(code: string, text: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NearrankError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, text)
    return true
  }
}

test('resumed from the newest or from the one before it, a run ends in the same bytes and leaves nothing', async () => {
  const good = await copies('good')
  const fromNewest = await resumed(good.out)
  assert.equal(fromNewest.resumedAtStep, steps.newest)
  assert.doesNotMatch(fromNewest.notes, /checkpoint/)

  const damaged = await copies('damaged')
  await flip(damaged.newest, 3000)
  const fromPrevious = await resumed(damaged.out)
  assert.equal(fromPrevious.resumedAtStep, steps.previous)
  assert.match(fromPrevious.notes, /model\.checkpoint is damaged.*model\.checkpoint\.previous.*repeated/)

  const missing = await copies('missing') // as if killed between the two renames
  await rm(missing.newest)
  const fromLeft = await resumed(missing.out)
  assert.equal(fromLeft.resumedAtStep, steps.previous)
  assert.match(fromLeft.notes, /model\.checkpoint is missing/)

  assert.ok(steps.previous < steps.newest)
  for (const { out } of [good, damaged, missing]) {
    assert.deepEqual(await weightsOf(out), wholeWeights)
    assert.deepEqual(await readdir(dirname(out)), ['model'])
  }
})

test('a run that went on from the one before keeps it until there is a newer whole one', async () => {
  const { out, newest, previous } = await copies('stays')
  await flip(newest, 3000)
  const stop = new AbortController()
  const stopAtOnce = (event: { type: string }) => event.type === 'start' && stop.abort()
  await assert.rejects(
    train({ ...settings, out, resume: true, signal: stop.signal, onProgress: stopAtOnce }),
    refused('ABORTED', /--resume/),
  )
  for (const path of [newest, previous])
    assert.ok((await readCheckpoint(path))!.state.step >= steps.previous, path)
  await resumed(out)
  assert.deepEqual(await weightsOf(out), wholeWeights)
})

test(`the newest flipped anywhere or cut off anywhere: the one before it is found (seed ${SEED})`, async () => {
  const random = new Random(SEED)
  const { newest, previous } = await copies('anywhere')
  const resuming = { run, arrays: arraysOf(size) }
  const whole = await readFile(newest)
  const lengths = [...Array(120).keys(), ...Array.from({ length: 60 }, () => random.below(whole.length))]
  const flips = [...Array(40).keys(), ...Array.from({ length: 120 }, () => random.below(whole.length))]
  for (const length of [...lengths, whole.length - 1]) {
    await writeFile(newest, whole.subarray(0, length))
    assert.equal((await resumePoint(newest, resuming))!.state.step, steps.previous, `${length} bytes`)
  }
  for (const position of [...flips, whole.length - 1]) {
    await writeFile(newest, whole)
    await flip(newest, position, random.below(8))
    assert.equal((await resumePoint(newest, resuming))!.state.step, steps.previous, `byte ${position}`)
  }
  // And the other way round: damage to the one before is no hindrance.
  await writeFile(newest, whole)
  await writeFile(previous, 'zeroes')
  assert.equal((await resumePoint(newest, resuming))!.isNewest, true)
})

test('a disk that fails at any read of the newest: the run goes on from the one before it', async () => {
  const { out, newest, previous } = await copies('unreadable')
  const good = arraysOf(size)
  await (await readCheckpoint(previous))!.readInto(good)
  let tried = 0
  for (let at = 1; ; at++) {
    const arrays = arraysOf(size)
    const disk = failReads(newest, at)
    let reads = 0
    const found = await resumePoint(newest, { run, arrays }).finally(() => (reads = disk.repair()))
    if (reads < at) break // it has not failed
    tried++
    assert.equal(found?.state.step, steps.previous, `read ${at}`)
    assert.match(found.note ?? '', /model\.checkpoint is damaged/)
    assert.deepEqual(arrays, good, `read ${at}`)
  }
  assert.ok(tried >= 8, `${tried}: its beginning, its head, its content, and its four arrays`)

  const disk = failReads(newest, tried) // in the last array
  await resumed(out).finally(disk.repair)
  assert.deepEqual(await weightsOf(out), wholeWeights)
})

test('a disk that can read neither: the run is refused, and the cause is told', async () => {
  const { out, newest, previous } = await copies('neither')
  await rm(newest)
  for (const at of [1, 3]) {
    const disk = failReads(previous, at)
    const refusal = await resumed(out).catch((error: unknown) => error)
    disk.repair()
    refused('DAMAGED', /is missing, and the one before it, .*, is damaged/)(refusal)
    assert.match(String((refusal as NearrankError).cause), /the device reported an error/)
  }
})

test('both damaged: the error says to train without --resume, and that works', async () => {
  for (const [name, damage] of [
    ['both flipped', (path: string) => flip(path, 3000)],
    ['both cut off', (path: string) => writeFile(path, '')],
    ['one of them gone', (path: string) => (path.endsWith('previous') ? rm(path) : flip(path, 3000))],
    ['newest gone', (path: string) => (path.endsWith('previous') ? flip(path, 3000) : rm(path))],
  ] as const) {
    const { out, newest, previous } = await copies(name)
    for (const path of [newest, previous]) await damage(path)
    await assert.rejects(
      resumed(out),
      refused('DAMAGED', /checkpoint is .*previous, is .*without --resume to start/),
    )
    assert.ok(!existsSync(out))
    await train({ ...settings, out })
    assert.deepEqual(await weightsOf(out), wholeWeights, name)
    assert.deepEqual(await readdir(dirname(out)), ['model'])
  }
})

test("another run's checkpoint, or something else in the place of the one before: refused and untouched", async () => {
  const { out, newest, previous } = await copies('other')
  await assert.rejects(resumed(out, { learningRate: 0.5 }), refused('INPUT', /checkpoint: it belongs to/))
  await flip(newest, 3000)
  await assert.rejects(resumed(out, { learningRate: 0.5 }), refused('INPUT', /previous: it belongs to/))
  await writeFile(newest, 'my notes')
  await assert.rejects(resumed(out, { learningRate: 0.5 }), refused('INPUT', /not a Nearrank checkpoint/))
  assert.equal(await readFile(newest, 'utf8'), 'my notes')
  await rename(newest, previous)
  for (const resume of [true, false])
    await assert.rejects(
      train({ ...settings, out, resume }),
      refused('INPUT', /previous.*not a Nearrank checkpoint/),
    )
  assert.equal(await readFile(previous, 'utf8'), 'my notes')
})

test('a run that begins anew leaves no checkpoint of the earlier run beside its own', async () => {
  const { out, newest, previous } = await copies('anew')
  const stop = new AbortController()
  const stopAtOnce = (event: { type: string }) => event.type === 'start' && stop.abort()
  const other = { ...settings, out, learningRate: 0.01 }
  await assert.rejects(train({ ...other, signal: stop.signal, onProgress: stopAtOnce }))
  for (const path of [newest, previous]) {
    const found = await readCheckpoint(path)
    if (found) assert.notEqual(found.state.run, run, path)
  }
})

test(`killed ${KILLS} times while one replaces the other: never less than the last that was written (seed ${SEED})`, async () => {
  const random = new Random(SEED)
  const place = join(folder, 'kills')
  await mkdir(place)
  const path = join(place, 'model.checkpoint')
  const resuming = { run: 'the run', arrays: arraysOf(5_000) } // as its writer has them
  let next = 1
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [WRITER, path, String(next)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
    const closed = new Promise((resolve) => {
      child.on('close', resolve)
    })
    while (said.split('\n').length < 4 && child.exitCode === null) await sleep(5)
    await sleep(random.below(20))
    child.kill('SIGKILL')
    await closed
    assert.ok(child.signalCode === 'SIGKILL', 'it has ended by itself')
    const written = Number(said.trimEnd().split('\n').at(-1))
    const found = (await resumePoint(path, resuming))!
    assert.ok(found.state.step >= written, `${found.state.step} of ${written}, kill ${kill}`)
    if (found.isNewest) {
      // What was damaged later, too: the one before it is at most one older.
      await flip(path, 1000)
      const older = (await resumePoint(path, resuming))!
      assert.equal(older.isNewest, false)
      assert.ok(older.state.step >= written - 1)
      await flip(path, 1000)
    }
    next = found.state.step + 1
  }
})
