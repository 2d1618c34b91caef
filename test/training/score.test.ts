import assert from 'node:assert/strict'
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { blockRows } from '../../src/dataset/clicks/rowLayout.ts'
import { outputNames } from '../../src/dataset/scores/filesToScore.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { type FeatureTable, readFeaturesInto } from '../../src/dataset/tables/readTables.ts'
import { generate } from '../../src/dataset/generator/generate.ts'
import { widthOf } from '../../src/features/rowShape.ts'
import { evaluate, recommend, score, type ScoreOptions, train } from '../../src/index.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { naiveInputs, naiveLogits } from '../../src/model/naiveForward.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { query, SMALL_REALISTIC } from '../dataset/realisticFixture.ts'
import { saveOverflowingModel } from '../model/modelFixtures.ts'
import { smallData, temporaryFolder } from './dataFixture.ts'

const SETTINGS = { epochs: 1, hidden: [12, 6], checkpointSeconds: 0, threads: 1 }
const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit))
const scoresOf = async (path: string) =>
  (await query(`SELECT score FROM '${path}'`)).map(([value]) => value as number)

const folder = await temporaryFolder()
const { data: plain } = await smallData({ testRows: 80_000, testFiles: 1 })
const { data: others } = await smallData({ seed: 4, rows: 1000, testRows: 100 })

describe('score, realistic data', () => {
  const data = join(folder, 'data')
  const model = join(folder, 'model')
  const out = join(folder, 'scores')
  before(async () => {
    await generate({ out: data, ...SMALL_REALISTIC })
    const contextFeatures = ['time', 'device', 'companion']
    await train({
      data,
      out: model,
      ...SETTINGS,
      ids: 'both',
      contextFeatures,
      batchSize: 64,
      learningRate: 0.03,
    })
  })

  test('scores are those of the unfolded network, beside the ids and columns of their rows', async () => {
    const report = await score({ data, model, out, copyColumns: ['time', 'companion', 'click'], threads: 2 })
    assert.deepEqual([report.files, report.skipped, report.rows, report.dropped], [2, 0, 6011, 0])
    const { description, weights } = await loadModelFiles(model)
    const { network } = description
    assert.equal(description.features?.context?.length, 3)
    assert.ok(description.features.pairs && network.embeddings)
    const tables = await openTables({ data, ids: 'both' })
    const options = { data, ids: 'both' as const, fitted: description.features }
    const pack = await openRows(options, await openTables(options), 'test')
    const inputsOf = naiveInputs(network, weights)
    const rowsOf = async (table: FeatureTable) => {
      const width = widthOf(table.features)
      const rows = new Float32Array(table.rows * width)
      await readFeaturesInto(table, rows, width)
      return (row: number) => rows.subarray(row * width, (row + 1) * width)
    }
    const [users, restaurants] = [await rowsOf(tables.users), await rowsOf(tables.restaurants)]
    const wanted: number[] = []
    for (const [i, { rows }] of pack.blocks.entries()) {
      const bytes = new Uint8Array(pack.blockRowsMax * 400)
      await pack.readBlockInto(i, bytes)
      const block = blockRows(pack.plan, bytes.buffer, 0, rows)
      const words = block.context.length / rows
      const context = new Float32Array(block.context.buffer, block.context.byteOffset, block.context.length)
      for (let row = 0; row < rows; row++) {
        const click = context.subarray(row * words, (row + 1) * words)
        const pair = {
          users: users(block.users[row]),
          restaurants: restaurants(block.restaurants[row]),
          click,
        }
        wanted.push(sigmoid(naiveLogits(network, weights, inputsOf(pair))[0]))
      }
    }
    await pack.close()
    const names = (await readdir(join(data, 'test'))).toSorted()
    assert.deepEqual((await readdir(out)).toSorted(), ['scores.json', ...names])
    const found: number[] = []
    for (const name of names) {
      found.push(...(await scoresOf(join(out, name))))
      const [[differing]] = await query(
        `SELECT count(*) FROM '${join(out, name)}' a POSITIONAL JOIN '${join(data, 'test', name)}' b
         WHERE (a.user_id, a.restaurant_id, a.time, a.companion, a.click)
           IS DISTINCT FROM (b.user_id, b.restaurant_id, b.time, b.companion, b.click)`,
      )
      assert.equal(differing, 0n)
    }
    assert.equal(found.length, wanted.length)
    assert.ok(Math.max(...wanted) - Math.min(...wanted) > 0.2, 'scores differ from row to row')
    for (const [i, value] of found.entries())
      assert.ok(Math.abs(value - wanted[i]) < 2e-6, `row ${i}: ${value}, not ${wanted[i]}`)
    const columns = await query(`DESCRIBE SELECT * FROM '${join(out, names[0])}'`)
    assert.deepEqual(
      columns.map(([name]) => name),
      ['user_id', 'restaurant_id', 'time', 'companion', 'click', 'score'],
    )
    assert.equal(columns.at(-1)?.[1], 'FLOAT')
  })

  test('a row has the score that recommend gives for it', async () => {
    const rows = await query(
      `SELECT a.user_id, a.restaurant_id, score, latitude, longitude, epoch_ms(b.time), device, b.companion
       FROM '${join(out, 'test_00.parquet')}' a POSITIONAL JOIN '${join(data, 'test/test_00.parquet')}' b LIMIT 5`,
    )
    for (const [user, restaurant, value, latitude, longitude, ms, device, companion] of rows) {
      const request = {
        candidateRestaurantIds: [Number(restaurant)],
        latitude: latitude as number,
        longitude: longitude as number,
        size: 1,
        maxDistM: 1e7,
        sortByDistance: false,
        context: {
          time: new Date(Number(ms)).toISOString(),
          device: device as string,
          ...(companion !== null && { companion: companion as string }),
        },
      }
      const { restaurants } = await recommend({ user: user as string, request }, { data, model })
      assert.ok(Math.abs(restaurants[0].score - (value as number)) < 2e-6)
    }
  })
})

describe('score, plain numbers', () => {
  const data = plain
  const at = (name: string) => join(folder, 'plain', name)
  const model = at('model')
  const run = (out: string, options: Partial<ScoreOptions> = {}) =>
    score({ data, model, out: at(out), threads: 1, ...options })
  before(() => train({ data, out: model, ...SETTINGS }))

  test('files longer than the ring, and any threads, in the same bytes; their labels give the accuracy of evaluate', async () => {
    for (const threads of [1, 3]) await run(`by-${threads}`, { threads, copyColumns: ['click'] })
    await run('turbo', { copyColumns: ['click'], turbo: 'on' })
    const file = at('by-1/test_00.parquet')
    assert.deepEqual(await readFile(at('by-3/test_00.parquet')), await readFile(file))
    assert.deepEqual(await readFile(at('turbo/test_00.parquet')), await readFile(file))
    const [[rows, hits, loss]] = await query(
      `SELECT count(*), count(*) FILTER ((score > 0.5) = (click = 1)), avg(-ln(if(click = 1, score, 1 - score)))
       FROM '${file}'`,
    )
    const { accuracy, logLoss } = await evaluate({ data, model, threads: 1 })
    assert.equal(rows, 80_000n)
    assert.ok(Math.abs(Number(hits) / 80_000 - accuracy) < 5e-5)
    assert.ok(Math.abs((loss as number) - logLoss) < 1e-5)
  })

  test('rows need no click; files of any folder and without rows; what is left out is told', async () => {
    const ids = (rows: number, odd: string) =>
      `SELECT if(i = 3, ${odd}, i % 400)::BIGINT AS user_id, (i % 150)::BIGINT AS restaurant_id, [i, i] AS list
       FROM range(${rows}) t(i)`
    await writeParquetFile(
      data,
      'pairs/day=1/part.parquet',
      ids(5000, '3'),
      'FORMAT parquet, ROW_GROUP_SIZE 2048',
    )
    await writeParquetFile(data, 'pairs/day=2/part.parquet', ids(10, 'NULL'))
    await writeParquetFile(data, 'pairs/none.parquet', ids(0, '3'))
    await writeParquetFile(data, 'pairs/strange.parquet', ids(2100, '99999'))
    const files = ['pairs/*/*.parquet', 'pairs/*.parquet']
    await assert.rejects(
      run('fails', { files }),
      isError(
        'INPUT',
        /pairs\/day=2\/part\.parquet: column user_id must hold an id in every row, row 3 holds null/,
      ),
    )
    await assert.rejects(
      run('fails', { files: 'pairs/strange.parquet' }),
      isError('INPUT', /user_id 99999 in row 3 has no features in user_features\.parquet/),
    )
    const notes: string[] = []
    const report = await run('drops', {
      files,
      onMissing: 'drop',
      copyColumns: ['list'],
      onProgress: (event) => event.type === 'note' && notes.push(event.message),
    })
    assert.deepEqual([report.files, report.rows, report.dropped], [4, 7108, 2])
    assert.deepEqual(notes, [
      'Some rows were left out, as the options say: 1 without features, 1 without an id, a label, a weight or a group.',
    ])
    for (const [name, rows] of [
      ['day=1/part.parquet', 5000],
      ['day=2/part.parquet', 9],
      ['none.parquet', 0],
      ['strange.parquet', 2099],
    ] as const) {
      const [[count, wrong]] = await query(
        `SELECT count(*), count(*) FILTER (list[1] <> b.i OR user_id <> b.i % 400 OR restaurant_id <> b.i % 150 OR isnan(score))
         FROM '${at('drops')}/${name}' POSITIONAL JOIN (SELECT i FROM range(${name === 'day=1/part.parquet' ? rows : rows + (rows > 0 ? 1 : 0)}) t(i)
           WHERE '${name}' = 'day=1/part.parquet' OR i <> 3) b`,
      )
      assert.deepEqual([count, wrong], [BigInt(rows), 0n], name)
    }
  })

  test('what is complete is skipped, what has changed is made again, and overwrite begins anew', async () => {
    await writeParquetFile(data, 'two/a.parquet', `SELECT 1::BIGINT AS user_id, 2::BIGINT AS restaurant_id`)
    await writeParquetFile(data, 'two/b.parquet', `SELECT 1::BIGINT AS user_id, 3::BIGINT AS restaurant_id`)
    const files = 'two/*.parquet'
    const skipped = async (options: Partial<ScoreOptions> = {}) =>
      (await run('again', { files, ...options })).skipped
    assert.equal(await skipped(), 0)
    const made = (await stat(at('again/a.parquet'))).mtimeMs
    assert.equal(await skipped(), 2)
    await utimes(join(data, 'two/b.parquet'), 1, 1)
    assert.equal(await skipped(), 1)
    assert.equal((await stat(at('again/a.parquet'))).mtimeMs, made)
    await writeFile(at('again/b.parquet'), 'cut short')
    assert.equal(await skipped(), 1)
    assert.equal((await scoresOf(at('again/b.parquet'))).length, 1)
    const other = { copyColumns: ['restaurant_id'] }
    await assert.rejects(run('again', { files, ...other }), isError('USAGE', /copy the column restaurant_id/))
    await assert.rejects(
      run('again', { files, onMissing: 'drop' }),
      isError('INPUT', /holds scores made with other options \(.*fail, not .*drop\).*--overwrite/),
    )
    assert.equal(await skipped({ onMissing: 'drop', overwrite: true }), 0)
    assert.deepEqual((await readdir(at('again'))).toSorted(), ['a.parquet', 'b.parquet', 'scores.json'])
  })

  test('scores of one file never replace those of another, and a file has them once', async () => {
    for (const [day, restaurant] of [
      ['days/monday', 2],
      ['days/tuesday', 3],
    ] as const)
      await writeParquetFile(
        data,
        `${day}/a.parquet`,
        `SELECT 1::BIGINT AS user_id, ${restaurant}::BIGINT AS restaurant_id`,
      )
    await run('days', { files: 'days/monday/*.parquet' })
    const [monday] = await scoresOf(at('days/a.parquet'))
    await assert.rejects(
      run('days', { files: 'days/tuesday/*.parquet' }),
      isError(
        'INPUT',
        /scores of days\/tuesday\/a\.parquet to .*days: they would replace a\.parquet, which has those of days\/monday\/a\.parquet; choose another folder/,
      ),
    )
    assert.deepEqual(await scoresOf(at('days/a.parquet')), [monday])
    await run('days', { files: 'days/*/*.parquet' })
    assert.deepEqual((await readdir(at('days'), { recursive: true })).toSorted(), [
      'monday',
      'monday/a.parquet',
      'scores.json',
      'tuesday',
      'tuesday/a.parquet',
    ])
    assert.deepEqual(await scoresOf(at('days/monday/a.parquet')), [monday])
  })

  test('a folder of another model, of other tables, of something else, or damaged is refused', async () => {
    await run('owned')
    await train({ data, out: at('other'), ...SETTINGS, seed: 2 })
    await assert.rejects(
      run('owned', { model: at('other') }),
      isError(
        'INPUT',
        /Cannot write scores to .*owned: it holds scores of another model; choose another folder/,
      ),
    )
    await assert.rejects(run('owned', { data: others }), isError('INPUT', /scores of other feature tables/))
    await writeParquetFile(at('foreign'), 'notes.parquet', 'SELECT 1 AS a')
    for (const overwrite of [false, true])
      await assert.rejects(
        run('foreign', { overwrite }),
        isError('INPUT', /foreign: it holds notes\.parquet, but no scores\.json of Nearrank's/),
      )
    await writeFile(at('owned/scores.json'), '{"format": 1}')
    await assert.rejects(run('owned'), isError('DAMAGED', /Cannot read .*scores\.json: .* is wrong; delete/))
    const escaping = {
      format: 1,
      createdBy: { name: 'nearrank', version: '1' },
      origin: { model: '', tables: '', options: '' },
      files: { 'a/../../model/model.json': { source: '', rows: 1, dropped: 0, bytes: 1 } },
    }
    await writeFile(at('owned/scores.json'), JSON.stringify(escaping))
    await assert.rejects(run('owned', { overwrite: true }), isError('DAMAGED', /scores\.json/))
    assert.ok((await stat(at('model/model.json'))).size > 0)
  })

  test('columns and files that are not there, and scores that are no numbers', async () => {
    const refused: [Partial<ScoreOptions>, RegExp][] = [
      [{ files: 'none/*.parquet' }, /Cannot find any rows to score: no file in .* matches none\/\*\.parquet/],
      [{ copyColumns: ['price'] }, /test\/test_00\.parquet: it has no column price, its columns are/],
      [{ columns: { userId: 'uid' } }, /no column uid/],
    ]
    for (const [options, message] of refused)
      await assert.rejects(run('refused', options), isError('INPUT', message))
    await writeParquetFile(
      data,
      'old/a.parquet',
      `SELECT 1::BIGINT AS user_id, 2::BIGINT AS restaurant_id, 1 AS score`,
    )
    for (const [copyColumns, name] of [
      [['score'], 'score'],
      [['click', 'click'], 'click'],
      [['user_id'], 'user_id'],
    ] as const)
      await assert.rejects(
        run('refused', { files: 'old/*.parquet', copyColumns: [...copyColumns] }),
        isError('USAGE', new RegExp(`Cannot copy the column ${name} \\(copyColumns, --copy-columns\\)`)),
      )
    await saveOverflowingModel(at('huge'), model)
    await assert.rejects(
      run('refused', { model: at('huge') }),
      isError(
        'NOT_FINITE',
        /Cannot score test\/test_00\.parquet: every score must be a finite number, that of row 0/,
      ),
    )
    await assert.rejects(run('refused', { signal: AbortSignal.abort() }), isError('ABORTED', /./))
    const controller = new AbortController()
    await assert.rejects(
      run('stopped', {
        signal: controller.signal,
        onProgress: ({ type }) => type === 'score' && controller.abort(),
      }),
      isError('ABORTED', /./),
    )
    assert.deepEqual(await readdir(at('stopped')), ['scores.json'], 'nothing is left of the file')
  })
})

test('names of outputs are relative to the innermost folder of all files that is none of a key', () => {
  for (const [paths, names] of [
    [['/data/test/a.parquet'], ['a.parquet']],
    [
      ['/data/test/a.parquet', '/data/test/b.parquet'],
      ['a.parquet', 'b.parquet'],
    ],
    [
      ['/data/day=1/a.parquet', '/data/day=11/a.parquet'],
      ['day=1/a.parquet', 'day=11/a.parquet'],
    ],
    [['/data/clicks/day=1/a.parquet'], ['day=1/a.parquet']],
    [['/data/a.parquet'], ['a.parquet']],
    [['/run=3/a.parquet'], ['run=3/a.parquet']],
    [
      ['/data/year=1/day=1/a.parquet', '/data/year=1/day=2/a.parquet'],
      ['year=1/day=1/a.parquet', 'year=1/day=2/a.parquet'],
    ],
    [
      ['/a.parquet', '/b/a.parquet'],
      ['a.parquet', 'b/a.parquet'],
    ],
  ] as const)
    assert.deepEqual(outputNames(paths, '/data'), names)
})
