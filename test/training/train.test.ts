import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { NearrankError, type ErrorCode } from '../../src/errors.ts'
import { decodeSafetensors } from '../../src/model/safetensors.ts'
import type { CheckpointState } from '../../src/training/run/checkpoint.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { threadsFed } from '../../src/training/memory/arena.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { checkPage, rowsOf, sectionsOf } from '../report/checkPage.ts'
import { smallData } from './dataFixture.ts'

const { data, folder } = await smallData()

const small = (name: string, options: Partial<TrainOptions> = {}): TrainOptions => ({
  data,
  out: join(folder, name),
  hidden: [32, 16],
  activations: ['none', 'relu'],
  batchSize: 256,
  epochs: 2,
  threads: 2,
  ...options,
})
const weightsOf = (name: string) => readFile(join(folder, name, 'weights.safetensors'))

function refuses(code: ErrorCode, text: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof NearrankError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, text)
    return true
  }
}

test('learns: far better than the majority class, and evaluate finds the same as train', async () => {
  const result = await train(small('learned', { epochs: 12, learningRate: 5e-3 }))
  assert.ok(result.test!.accuracy > result.test!.majorityAccuracy + 0.2, `accuracy ${result.test!.accuracy}`)
  assert.ok(result.epochs[11].loss < result.epochs[0].loss)
  assert.equal(result.parameters, 41 * 32 + 33 * 16 + 17)
  const {
    seconds,
    bayesAccuracy,
    bayesLogLoss,
    scores,
    byGroup,
    byUser,
    calibration,
    curves,
    slices,
    ...metrics
  } = await evaluate({ data, model: join(folder, 'learned') })
  assert.deepEqual([scores, byGroup, slices], ['probability', null, []])
  assert.deepEqual([calibration, curves], [result.judged?.calibration, result.judged?.curves])
  assert.ok(byUser!.rankings.model!.gauc!.low > byUser!.rankings.popularity!.gauc!.high)
  assert.ok(seconds > 0 && bayesAccuracy! >= metrics.accuracy - 0.01 && bayesLogLoss! > 0)
  assert.deepEqual(metrics, result.test)
  const { description } = await loadModelFiles(join(folder, 'learned'))
  assert.deepEqual(description.metrics, result.test)
  assert.deepEqual((description.training as { calibration?: unknown }).calibration, calibration)
  assert.match(await readFile(join(folder, 'learned', 'report.md'), 'utf8'), /Constraints/)
  const page = sectionsOf(checkPage(await readFile(join(folder, 'learned', 'report.html'), 'utf8')))
  const rows = rowsOf(page.get('test') ?? assert.fail('no test')).map((cells) => cells.join(' '))
  assert.ok(rows.includes(`AUC ${result.test!.auc!.toFixed(5)} `), rows.join('\n'))
})

test('the same bytes for 1, 2 and 3 threads, shuffled or not, with normalisation or not', async () => {
  for (const settings of [
    { preset: 'reference' as const, learningRate: 1e-3 },
    { shuffle: true, normalize: true },
  ]) {
    for (const threads of [1, 2, 3]) await train(small(`threads${threads}`, { ...settings, threads }))
    const one = await weightsOf('threads1')
    assert.deepEqual(await weightsOf('threads2'), one)
    assert.deepEqual(await weightsOf('threads3'), one)
  }
})

test('a batch of many rows is cut for more threads, and gives the same bytes for any number of them', async () => {
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => {
    if (event.type === 'note') notes.push(event.message)
  }
  for (const threads of [1, 2, 11]) {
    const own = { preset: 'reference' as const, learningRate: 1e-3, batchSize: 2500, onProgress }
    await train(small(`wide${threads}`, { ...own, threads }))
  }
  assert.deepEqual(await weightsOf('wide2'), await weightsOf('wide1'))
  assert.deepEqual(await weightsOf('wide11'), await weightsOf('wide1'))
  const idle = notes.filter((note) => note.startsWith('Of '))
  assert.deepEqual(
    idle.map((note) => note.split(':', 1)[0]),
    ['Of 11 threads, 10 have rows to work on'],
  )
  assert.deepEqual([32, 64, 600, 1024, 2048, 4096, 65_536].map(threadsFed), [2, 4, 5, 8, 8, 16, 64])
})

test('another seed gives other weights', async () => {
  await train(small('seed1', { seed: 1 }))
  await train(small('seed2', { seed: 2 }))
  assert.notDeepEqual(await weightsOf('seed1'), await weightsOf('seed2'))
})

test('the ledger names every row of every file in every epoch', async () => {
  const result = await train(small('ledger', { preset: 'reference', epochs: 3 }))
  assert.equal(result.ledger.length, 3)
  for (const [i, { epoch, rows, files, digest }] of result.ledger.entries()) {
    assert.equal(epoch, i + 1)
    assert.equal(rows, 30_000)
    assert.deepEqual(
      files.map(({ used }) => used),
      [7500, 7500, 7500, 7500],
    )
    assert.equal(digest, result.ledger[0].digest)
  }
  assert.equal(result.steps, 3 * 4 * Math.ceil(7500 / 256))
  const held = await train(small('held', { validation: 0.1, keep: 'last' }))
  const [{ files }] = held.ledger
  assert.ok(files.every(({ rows, used, validation }) => used + validation === rows && validation > 0))
})

test('keeps the best epoch, and stops when it has had patience', async () => {
  const settings = { validation: 0.2, learningRate: 0.3, schedule: 'constant' as const, seed: 4 }
  const result = await train(small('best', { ...settings, epochs: 8, keep: 'best', patience: 2 }))
  const losses = result.epochs.map(({ validationLoss }) => validationLoss!)
  assert.equal(result.keptEpoch, losses.indexOf(Math.min(...losses)) + 1)
  assert.ok(result.epochs.length < 8, 'at such a learning rate it stops early')
  assert.equal(result.epochs.length, result.keptEpoch + 2)
  await train(small('upToBest', { ...settings, epochs: 8, keep: 'last', patience: 2 }))
  assert.notDeepEqual(await weightsOf('best'), await weightsOf('upToBest'))
})

test('stopped by its signal and resumed, it ends in the same bytes; the checkpoint is gone then', async () => {
  // Best epoch and patience must come through too.
  const settings = {
    epochs: 6,
    batchSize: 16,
    validation: 0.1,
    keep: 'best' as const,
    patience: 5,
    learningRate: 0.02,
  }
  const long = { ...settings, epochs: 2, batchSize: 1 } // what happens in mid-epoch is told every 50 ms
  const stops: [string, typeof settings, (event: TrainEvent) => boolean][] = [
    ['step', long, ({ type }) => type === 'step'],
    ['second epoch', settings, (event) => event.type === 'epoch' && event.epoch.epoch === 2],
    ['test set', settings, ({ type }) => type === 'evaluate'],
  ]
  for (const [where, own, isThere] of stops) {
    const whole = `whole of ${own.epochs}`
    if (!existsSync(join(folder, whole))) await train(small(whole, { ...own, threads: 1 }))
    const controller = new AbortController()
    const options = small(`stopped at ${where}`, own)
    const onProgress = (event: TrainEvent) => isThere(event) && controller.abort()
    await assert.rejects(
      train({ ...options, signal: controller.signal, onProgress }),
      refuses('ABORTED', /Stopped/),
    )
    assert.ok(!existsSync(options.out))
    await train({ ...options, resume: true, threads: 1 })
    assert.deepEqual(await weightsOf(`stopped at ${where}`), await weightsOf(whole))
    assert.ok(!existsSync(`${options.out}.checkpoint`))
  }
})

test('every checkpoint tells one moment: its step is the one that its epoch and rows come to', async () => {
  const wide = await smallData({ rows: 10_000, files: 1 })
  const out = join(wide.folder, 'model')
  const stepsPerEpoch = Math.ceil(10_000 / 16)
  const wrong: string[] = []
  let seen = 0
  const stop = new AbortController() // how long it takes to see some depends on the machine
  const onProgress = (event: TrainEvent) => {
    if (event.type !== 'checkpoint') return
    const tensors = decodeSafetensors(readFileSync(event.path), { where: event.path })
    const { epoch, step, rowsDone } = JSON.parse(tensors.metadata.state) as CheckpointState
    if (++seen === 30) stop.abort()
    const due = (epoch - 1) * stepsPerEpoch + Math.ceil(rowsDone / 16)
    if (step !== due) wrong.push(`epoch ${epoch}, row ${rowsDone}: step ${step}, ${due} is due`)
  }
  const trained = train({
    ...small('x'),
    data: wide.data,
    out,
    batchSize: 16,
    epochs: 500,
    signal: stop.signal,
    preset: 'reference',
    checkpointSeconds: 0.001,
    onProgress,
  })
  await assert.rejects(trained, refuses('ABORTED', /Stopped|--resume/))
  assert.deepEqual(wrong, [])
  assert.ok(seen >= 30)
})

test('many more chunks than the ring holds: every row is still used once', async () => {
  const long = await smallData({ rows: 20, files: 1 })
  await rm(join(long.data, 'train'), { recursive: true })
  const clicks = `(hash(i) % 400)::BIGINT AS user_id, (i % 150)::BIGINT AS restaurant_id, i % 2 AS click`
  await writeParquetFile(long.data, 'train/a.parquet', `SELECT ${clicks} FROM range(500000) t(i)`)
  const options = {
    ...small('x'),
    data: long.data,
    out: join(long.folder, 'model'),
    hidden: [8],
    activations: ['relu' as const],
  }
  const [{ rows, files }] = (await train({ ...options, preset: 'reference', epochs: 1 })).ledger
  assert.equal(rows, 500_000)
  assert.equal(files[0].used, 500_000)
})

test('what onProgress throws ends the run, not the process', async () => {
  for (const type of ['step', 'epoch', 'checkpoint'] as const) {
    const onProgress = (event: TrainEvent) => {
      if (event.type === type) throw new RangeError(`at ${type}`)
    }
    const options = small(`throws at ${type}`, {
      epochs: 3,
      batchSize: 8,
      checkpointSeconds: 0.01,
      onProgress,
    })
    await assert.rejects(train(options), new RangeError(`at ${type}`))
  }
})

test('a split that leaves nothing on one side is refused; so is a test set that is named and not there', async () => {
  const few = await smallData({ rows: 20, testRows: 10, files: 1, testFiles: 1 })
  const out = join(few.folder, 'model')
  await assert.rejects(
    train({ data: few.data, out, validation: 0.001, seed: 1 }),
    refuses('INPUT', /of 20 rows it leaves 20 to train on and 0/),
  )
  await assert.rejects(train(small('none', { testFiles: 'nowhere/*.parquet' })), refuses('INPUT', /nowhere/))
})

test('what is no checkpoint in its place is refused and untouched', async () => {
  const options = small('place')
  await writeFile(`${options.out}.checkpoint`, 'my notes')
  for (const resume of [true, false])
    await assert.rejects(train({ ...options, resume }), refuses('INPUT', /not a Nearrank checkpoint/))
  assert.equal(await readFile(`${options.out}.checkpoint`, 'utf8'), 'my notes')
})

test('checkpoints of other settings, or damaged, are refused; without --resume they are no hindrance', async () => {
  const controller = new AbortController()
  const options = small('refused', { epochs: 50 })
  const stopped = train({
    ...options,
    signal: controller.signal,
    onProgress: (event) => event.type === 'epoch' && controller.abort(),
  })
  await assert.rejects(stopped, refuses('ABORTED', /--resume/))
  const path = join(folder, 'refused.checkpoint')
  await assert.rejects(
    train({ ...options, resume: true, learningRate: 0.5 }),
    refuses('INPUT', /other settings/),
  )
  for (const one of [path, `${path}.previous`]) {
    const bytes = await readFile(one)
    bytes[bytes.length - 1000] ^= 1
    await writeFile(one, bytes)
  }
  await assert.rejects(train({ ...options, resume: true }), refuses('DAMAGED', /refused\.checkpoint/))
  assert.ok(!existsSync(join(folder, 'refused')))
  await train({ ...options, epochs: 1 })
})

test('NaN stops the run, naming epoch, step and tensor; the earlier model stays', async () => {
  await train(small('finite', { epochs: 1 }))
  const earlier = await weightsOf('finite')
  // A decay of 1 − 10 · 1 a step multiplies every weight by −9.
  const wild = small('finite', { learningRate: 10, weightDecay: 1, schedule: 'constant', warmupSteps: 0 })
  await assert.rejects(
    train(wild),
    refuses('NOT_FINITE', /NaN or infinity in .*(loss|model\.\d).*epoch \d+, step \d+/),
  )
  assert.deepEqual(await weightsOf('finite'), earlier)
})

test('a plan that does not fit is refused before it starts, with what would fit', async () => {
  await assert.rejects(
    train(small('tight', { maxMemoryBytes: 2 ** 26 })),
    refuses('MEMORY', /Give --max-memory \d+MiB/),
  )
})

test('--out that holds something else is refused and untouched', async () => {
  const out = join(folder, 'foreign')
  await mkdir(out)
  await writeFile(join(out, 'thesis.txt'), 'years of work')
  await assert.rejects(train(small('foreign')), refuses('INPUT', /foreign/))
  assert.deepEqual(await readdir(out), ['thesis.txt'])
})

test('a damaged pack is found while it is read, and names what to do', async () => {
  await train(small('packed', { epochs: 1 }))
  const cache = join(data, '.nearrank')
  const name = (await readdir(cache)).find((entry) => entry.startsWith('rows-train-'))!
  const path = join(cache, name, 'rows.bin')
  const file = existsSync(path)
    ? path
    : join(cache, name, (await readdir(join(cache, name))).find((entry) => !entry.endsWith('.json'))!)
  const { size } = await stat(file)
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, size - 100)
  await handle.write(Buffer.from([byte[0] ^ 1]), 0, 1, size - 100)
  await assert.rejects(train(small('packed')), refuses('DAMAGED', /rows-train-.*(delete|Delete|remove)/s))
  await handle.write(byte, 0, 1, size - 100)
  await handle.close()
  await train(small('packed', { epochs: 1 }))
})

test('options are checked at the edge: no unknown key, no wrong value, none missing', async () => {
  const wrong: [options: unknown, text: RegExp][] = [
    [undefined, /must be an object/],
    [{}, /data is missing/],
    [{ data }, /out is missing/],
    [{ data, out: null }, /out/],
    [{ ...small('x'), epohcs: 1 }, /"epohcs".*"epochs"/],
    [{ ...small('x'), onMissing: 'x' }, /onMissing/],
    [{ ...small('x'), columns: { uid: 'x' } }, /columns\.uid/],
    [{ ...small('x'), signal: 1 }, /AbortSignal/],
    [{ ...small('x'), onProgress: 1 }, /function/],
  ]
  for (const [options, text] of wrong)
    await assert.rejects(train(options as TrainOptions), refuses('USAGE', text))
  await assert.rejects(evaluate({ data } as never), refuses('USAGE', /model is missing/))
  await assert.rejects(evaluate({ data, model: 'm', epochs: 'x' } as never), refuses('USAGE', /epochs/))
})

test('a feature far from zero for its spread is pointed out where it is normalised', async () => {
  const far = await smallData({ rows: 2000, files: 1 })
  const path = join(far.data, 'user_features.parquet')
  await withDuckDb({}, async (connection) => {
    await connection.run(`CREATE TABLE t AS SELECT * REPLACE (f03 + 1e7 AS f03) FROM read_parquet('${path}')`)
    await connection.run(`COPY t TO '${path}' (FORMAT parquet)`)
  })
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  const given = small('x', { warmupSteps: 1, validation: 0.01 })
  await train({ ...given, data: far.data, out: join(far.folder, 'model'), onProgress })
  assert.equal(notes.length, 2)
  assert.match(notes[1], /Feature f03 of the users/)
})
