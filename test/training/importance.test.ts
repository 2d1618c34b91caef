import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { generate } from '../../src/dataset/generator/generate.ts'
import type { Source } from '../../src/features/featureSpec.ts'
import { evaluate, importance, type ImportanceReport, train, type TrainEvent } from '../../src/index.ts'
import { featureInputs } from '../../src/model/featureInputs.ts'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import { modelFeatures } from '../../src/model/modelFeatures.ts'
import { inputWidth } from '../../src/model/network.ts'
import { mix32 } from '../../src/random.ts'
import { ImportanceSums } from '../../src/training/importance/importanceSums.ts'
import { SMALL_REALISTIC } from '../dataset/realisticFixture.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { checkPage, rowsOf, sectionsOf } from '../report/checkPage.ts'
import { smallData, temporaryFolder } from './dataFixture.ts'
import { type Drawn, drawnRows, naiveAuc, naiveLosses } from './naiveImportance.ts'

const folder = await temporaryFolder()
const SOURCE_OF: Record<string, Source> = {
  user: 'users',
  restaurant: 'restaurants',
  context: 'context',
  pair: 'pairs',
  pairs: 'pairs',
}
const timeless = (report: ImportanceReport) => ({ ...report, seconds: 0 })
const near = (found: number | null, wanted: number, tolerance: number, what: string) =>
  assert.ok(found !== null && Math.abs(found - wanted) <= tolerance, `${what}: ${found}, not ${wanted}`)

/** The mean of values and its standard error, rows being alike by user and by restaurant. */
function naiveError(influences: number[], { users, restaurants }: Drawn): number {
  const variance = (groupOf: (row: number) => number) => {
    const sums = new Map<number, number>()
    for (const [row, value] of influences.entries())
      sums.set(groupOf(row), (sums.get(groupOf(row)) ?? 0) + value)
    return ([...sums.values()].reduce((sum, value) => sum + value ** 2, 0) * sums.size) / (sums.size - 1)
  }
  const alone = variance((row) => row)
  const byUser = variance((row) => mix32(users[row]) & 1023)
  const byRestaurant = variance((row) => mix32(restaurants[row]) & 1023)
  return Math.sqrt(Math.max(alone, byUser + byRestaurant - alone))
}

const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('importance of every kind of feature', () => {
  const data = join(folder, 'realistic')
  const model = join(folder, 'model')
  before(async () => {
    await generate({ ...SMALL_REALISTIC, out: data, rows: 4000, testRows: 400, users: 300, restaurants: 100 })
    await train({
      data,
      out: model,
      contextFeatures: ['time', 'device', 'companion', 'position'],
      features: {
        'restaurant.restaurant_id': { kind: 'category', dim: 0 },
        'pair.popularity': { kind: 'rate', restaurant: 'restaurant_id' },
        'pair.lunch': { kind: 'cross', context: 'time.hour', restaurant: 'cuisines' },
        'pair.gap': { kind: 'difference', user: 'age', restaurant: 'rating' },
      },
      hidden: [8, 6],
      batchSize: 64,
      epochs: 3,
      threads: 1,
    })
  })

  test('is what a naive calculation finds, of features and groups, errors included', async () => {
    const options = { rows: 1000, seed: 5 }
    const report = await importance({ data, model, ...options, report: false })
    assert.deepEqual([report.rows, report.testRows, report.repeats], [400, 400, 2])
    const drawn = await drawnRows(data, model, options)
    const { clicks, rows, logitsOf } = drawn
    const base = logitsOf(rows)
    const losses = naiveLosses(base, clicks)
    near(report.logLoss, meanOf(losses), 1e-5, 'log loss')
    near(report.auc, naiveAuc(base, clicks), 1e-3, 'AUC')
    const { description } = await loadModelFiles(model)
    const features = modelFeatures(description)
    const kinds = Object.values(features).flatMap((own) => own.map(({ kind }: { kind: string }) => kind))
    for (const kind of 'number category categories time distance overlap rate cross difference'.split(' '))
      assert.ok(kinds.includes(kind), kind)
    assert.ok(
      features.users.some((own) => own.kind === 'number' && own.missing?.flag),
      'nulls',
    )
    assert.equal(report.features.length, kinds.length - 1)
    const names = new Set(report.features.map(({ name }) => name))
    assert.ok(!names.has('restaurant.restaurant_id') && names.has('pair.popularity'))
    assert.equal(report.groups.length, 4)

    for (const found of [...report.groups, ...report.features]) {
      const [group, ...rest] = found.name.split('.')
      const name = rest.length > 0 ? rest.join('.') : undefined
      const mixed = drawn.donors.map((donors) => logitsOf(drawn.mixed(rows, donors, SOURCE_OF[group], name)))
      const mixedLosses = mixed.map((logits) => naiveLosses(logits, clicks))
      const changes = losses.map((loss, i) => meanOf(mixedLosses.map((own) => own[i])) - loss)
      const increase = meanOf(changes)
      near(found.logLossIncrease, increase, 1e-5, found.name)
      const influences = changes.map((change) => (change - increase) / changes.length)
      near(found.logLossError, naiveError(influences, drawn), 1e-5, `± of ${found.name}`)
      const decrease = naiveAuc(base, clicks) - meanOf(mixed.map((logits) => naiveAuc(logits, clicks)))
      near(found.aucDecrease, decrease, 1e-3, `AUC of ${found.name}`)
      assert.ok(found.aucError! > 0 && found.aucError! < 0.1, `${found.aucError}`)
    }
    const increases = report.features.map(({ logLossIncrease }) => logLossIncrease)
    assert.deepEqual(
      increases,
      increases.toSorted((a, b) => b - a),
    )
    assert.ok(increases[0] > 0.003, `${increases[0]}`)
  })

  test('every input belongs to one feature', async () => {
    const { description } = await loadModelFiles(model)
    const inputs = featureInputs(modelFeatures(description)).flatMap((feature) => feature.inputs)
    assert.deepEqual(
      inputs.toSorted((a, b) => a - b),
      Array.from({ length: inputWidth(description.network) }, (_, i) => i),
    )
  })

  test('is the same for any number of threads, and another for another seed', async () => {
    const measure = async (threads: number, seed = 1) =>
      timeless(await importance({ data, model, threads, seed, rows: 300, report: false }))
    const one = await measure(1)
    assert.ok(one.rows > 200 && one.rows < 400, `${one.rows} of 400 drawn`)
    assert.deepEqual(await measure(2), one)
    assert.deepEqual(await measure(3), one)
    assert.notDeepEqual((await measure(1, 2)).features, one.features)
  })

  test('the report gets one section, which the next run replaces, and keeps everything else', async () => {
    const own = join(folder, 'reported')
    await cp(model, own, { recursive: true })
    const trained = await readFile(join(own, 'report.md'), 'utf8')
    const page = () => readFile(join(own, 'report.html'), 'utf8')
    const untouched = sectionsOf(checkPage(await page()))
    const first = await importance({ data, model: own, rows: 200 })
    const one = await readFile(join(own, 'report.md'), 'utf8')
    assert.ok(one.startsWith(`${trained}\n## Feature importance\n\n`))
    for (const { name, logLossIncrease } of [...first.groups, ...first.features])
      assert.ok(one.includes(`| ${name} | ${logLossIncrease.toFixed(5).replace('-', '−')} |`), name)
    const sections = sectionsOf(checkPage(await page()))
    for (const [id, section] of sections)
      if (id !== 'importance') assert.deepEqual(section, untouched.get(id), id)
    const shown = new Set(
      rowsOf(sections.get('importance') ?? assert.fail('no importance')).map(([name]) => name),
    )
    for (const { name } of [...first.groups, ...first.features]) assert.ok(shown.has(name), name)
    await importance({ data, model: own, rows: 200, seed: 2 })
    const two = await readFile(join(own, 'report.md'), 'utf8')
    assert.equal(two.split('## Feature importance').length, 2)
    assert.ok(two.startsWith(trained) && two.includes('seed 2') && !two.includes('seed 1:'))
    assert.match(await page(), /seed 2/)
    await importance({ data, model: own, rows: 200, report: false })
    assert.equal(await readFile(join(own, 'report.md'), 'utf8'), two)
    await rm(join(own, 'report.md'))
    await rm(join(own, 'report.html'))
    await importance({ data, model: own, rows: 200 })
    assert.match(await readFile(join(own, 'report.md'), 'utf8'), /^## Feature importance\n/)
    await train({ data, out: own, hidden: [2], epochs: 1 }) // what stands there is a model and nothing else
  })

  test('a report that cannot be written is refused before anything is measured', async () => {
    const own = join(folder, 'unwritable')
    await cp(model, own, { recursive: true })
    await rm(join(own, 'report.md'))
    await mkdir(join(own, 'report.md'))
    const events: TrainEvent[] = []
    await assert.rejects(
      importance({ data, model: own, onProgress: (event) => events.push(event) }),
      isError('DISK', /Cannot add the importance to .*report\.md: .*directory.*--no-report/s),
    )
    assert.ok(!events.some(({ type }) => type === 'importance'))
    assert.equal((await importance({ data, model: own, rows: 50, report: false })).features.length, 18)
  })

  test('the report of a model that came meanwhile is left alone', async () => {
    const own = join(folder, 'replaced')
    const other = join(folder, 'other')
    await cp(model, own, { recursive: true })
    await train({ data, out: other, hidden: [3], epochs: 1 })
    const notes: string[] = []
    await importance({
      data,
      model: own,
      rows: 200,
      onProgress(event) {
        if (event.type === 'note') notes.push(event.message)
        if (event.type === 'importance') cpSync(other, own, { recursive: true })
      },
    })
    assert.match(notes.join('\n'), /replaced holds another model now: its report is left as it is/)
    assert.deepEqual(await readFile(join(own, 'report.md')), await readFile(join(other, 'report.md')))
  })

  test('stops when asked to, and leaves the report', async () => {
    const own = join(folder, 'stopped')
    await cp(model, own, { recursive: true })
    const controller = new AbortController()
    const onProgress = ({ type }: TrainEvent) => type === 'importance' && controller.abort()
    await assert.rejects(
      importance({ data, model: own, signal: controller.signal, onProgress }),
      isError('ABORTED', /Stopped as requested/),
    )
    assert.deepEqual(await readFile(join(own, 'report.md')), await readFile(join(model, 'report.md')))
  })

  test('logits that are not finite are an error', async () => {
    const own = join(folder, 'overflow')
    const { description, weights } = await loadModelFiles(model)
    const { formatVersion: _, weights: __, onnx: ___, ...content } = description
    const huge = new Map(
      [...weights].map(([name, { shape, data: values }]) => [
        name,
        { shape, data: name === 'model.0.weight' ? values.map(() => 1e37) : values },
      ]),
    )
    await saveModel(own, { description: content, weights: huge, report: '' })
    await assert.rejects(importance({ data, model: own }), isError('NOT_FINITE', /must be a finite number/))

    const [zeros, rows] = [new Float32Array(2), new Uint32Array(2)]
    const columns = { users: rows, restaurants: rows, clicks: Uint8Array.of(0, 1) }
    const sums = new ImportanceSums(['user.age', 'user.taste'], { blockRows: 2, repeats: 1 })
    const logitsOf = (mix: number) => (mix === 2 ? Float32Array.of(0, Infinity) : zeros)
    assert.throws(
      () => sums.add({ columns, rows: 2, repeat: 0, logitsOf }),
      isError('NOT_FINITE', /Cannot measure the importance of user\.taste: every logit must be a finite/),
    )
  })

  test('wrong data, model and options are refused', async () => {
    await assert.rejects(
      importance({ data, model: join(folder, 'absent') }),
      isError('INPUT', /Cannot load a model from/),
    )
    await assert.rejects(
      importance({ data, model, userFeatures: ['age'] }),
      isError('INPUT', /the model takes 5 features, age, gender/),
    )
    await assert.rejects(
      importance({ data: (await smallData({ rows: 100, testRows: 100 })).data, model }),
      isError('INPUT', /has no column/),
    )
    await assert.rejects(
      importance({ data, model, rows: 0 }),
      isError('USAGE', /rows must be an integer from 1/),
    )
    await assert.rejects(importance({ data, model, row: 1 } as never), isError('USAGE', /mean "rows"/))
    await assert.rejects(importance({ data } as never), isError('USAGE', /model is missing/))
    await assert.rejects(
      importance({ data, model, maxMemoryBytes: 2 ** 27 }),
      isError('MEMORY', /--max-memory 128 MiB/),
    )
  })
})

describe('importance of plain numbers', () => {
  test('a sample of many rows, in blocks: as a naive calculation', async () => {
    const { data } = await smallData({ rows: 5000, testRows: 36_000 })
    const model = join(folder, 'plain')
    await train({ data, out: model, hidden: [4], epochs: 1, threads: 1 })
    const options = { rows: 34_000, seed: 3 }
    const progress: TrainEvent[] = []
    const report = await importance({
      data,
      model,
      ...options,
      onProgress: (event) => event.type === 'importance' && progress.push(event),
    })
    const { rows: count } = report
    assert.ok(Math.abs(count - 34_000) < 300, `${count} rows`)
    assert.deepEqual([report.testRows, report.repeats, report.features.length], [36_000, 1, 40])
    assert.deepEqual(report.groups.map(({ name }) => name).toSorted(), ['restaurant', 'user'])
    assert.deepEqual(progress.at(-1), { type: 'importance', rowsDone: 2 * count, rowsTotal: 2 * count })
    assert.ok(progress.length >= 4, 'two blocks in each of two passes')

    const drawn = await drawnRows(data, model, options)
    const { clicks, rows, donors, logitsOf } = drawn
    assert.equal(rows.length, count)
    const base = logitsOf(rows)
    const losses = naiveLosses(base, clicks)
    near(report.logLoss, meanOf(losses), 1e-5, 'log loss')
    const blocks = Math.ceil(count / 32_768)
    const blockRows = Math.ceil(count / blocks)
    const blockAuc = (logits: Float64Array) =>
      meanOf(
        Array.from({ length: blocks }, (_, i) => {
          const [start, end] = [i * blockRows, (i + 1) * blockRows]
          return naiveAuc(logits.subarray(start, end), clicks.subarray(start, end))
        }),
      )
    const [first] = report.features
    for (const found of [first, report.groups[1]]) {
      const [group, name] = found.name.split('.')
      const logits = logitsOf(drawn.mixed(rows, donors[0], SOURCE_OF[group], name))
      const changes = naiveLosses(logits, clicks).map((loss, i) => loss - losses[i])
      near(found.logLossIncrease, meanOf(changes), 1e-5, found.name)
      const influences = changes.map((change) => (change - found.logLossIncrease) / count)
      near(found.logLossError, naiveError(influences, drawn), 1e-5, `± of ${found.name}`)
      if (found === first) near(found.aucDecrease, blockAuc(base) - blockAuc(logits), 1e-5, 'AUC')
    }
  })

  test('of all rows, log loss and AUC are those of evaluate', async () => {
    const { data } = await smallData({ rows: 2000, testRows: 36_000 })
    const model = join(folder, 'all')
    const few = { userFeatures: ['f00', 'f01'], restaurantFeatures: ['f00'] }
    await train({ data, out: model, ...few, hidden: [4], epochs: 1, threads: 1 })
    const all = await importance({ data, model, report: false })
    const { logLoss, auc } = await evaluate({ data, model })
    assert.equal(all.rows, 36_000)
    near(all.logLoss, logLoss, 1e-9, 'log loss of all rows, in another order')
    near(all.auc, auc!, 1e-9, 'AUC of all rows')
  })

  test('what decides the click is first, what says nothing is 0 within its error, and what is not used is 0', async () => {
    const data = join(folder, 'decided')
    const model = join(folder, 'decided-model')
    const drawn = (purpose: string) => `(hash(i || ' ${purpose}') % 1000) / 500.0 - 1`
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, ${drawn('noise')} AS noise, ${drawn('own')} AS own, ${drawn('unused')} AS unused FROM range(2000) t(i)`,
    )
    await writeParquetFile(
      data,
      'restaurant_features.parquet',
      `SELECT i AS restaurant_id, 13.0 AS latitude, 100.0 AS longitude, ${drawn('decides')} AS decides, ${drawn('idle')} AS idle FROM range(500) t(i)`,
    )
    const clicks = (split: string) =>
      `SELECT u AS user_id, r AS restaurant_id, (decides + 0.2 * own > 0)::INTEGER AS click FROM (
        SELECT (hash(k || 'u ${split}') % 2000)::BIGINT AS u, (hash(k || 'r ${split}') % 500)::BIGINT AS r
        FROM range(20000) t(k))
        JOIN '${join(data, 'user_features.parquet')}' ON user_id = u
        JOIN '${join(data, 'restaurant_features.parquet')}' ON restaurant_id = r`
    for (const split of ['train', 'test'])
      await writeParquetFile(data, `${split}/clicks.parquet`, clicks(split))
    await train({ data, out: model, hidden: [16], epochs: 3, threads: 1 })

    const { description, weights } = await loadModelFiles(model)
    const { formatVersion: _, weights: __, onnx: ___, ...content } = description
    const [firstLayer] = [weights.get('model.0.weight')!]
    const width = inputWidth(description.network)
    const unused = firstLayer.data.map((weight, i) => (i % width === 2 ? 0 : weight))
    const cut = new Map([...weights, ['model.0.weight', { ...firstLayer, data: unused }]])
    await saveModel(model, { description: content, weights: cut, report: '# Training report\n' })

    const { features, groups } = await importance({ data, model })
    const of = (name: string) => features.find((feature) => feature.name === name)!
    assert.deepEqual(
      features.slice(0, 2).map(({ name }) => name),
      ['restaurant.decides', 'user.own'],
    )
    assert.equal(groups[0].name, 'restaurant')
    assert.ok(of('restaurant.decides').aucDecrease! > 0.4, `${of('restaurant.decides').aucDecrease}`)
    for (const name of ['user.noise', 'restaurant.idle']) {
      const { logLossIncrease, logLossError, aucDecrease, aucError } = of(name)
      assert.ok(
        Math.abs(logLossIncrease) < 4 * logLossError!,
        `${name}: ${logLossIncrease} ± ${logLossError}`,
      )
      assert.ok(Math.abs(aucDecrease!) < 4 * aucError!, `${name}: ${aucDecrease} ± ${aucError}`)
      assert.ok(logLossError! > 0 && logLossError! < 0.05 * of('restaurant.decides').logLossIncrease)
    }
    assert.deepEqual(of('user.unused'), {
      name: 'user.unused',
      group: 'user',
      logLossIncrease: 0,
      logLossError: 0,
      aucDecrease: 0,
      aucError: 0,
    })
  })

  test('of rows of one class there is no AUC, of one row no error', async () => {
    const { data } = await smallData({ rows: 2000, testRows: 200 })
    const model = join(folder, 'one-class')
    await train({ data, out: model, hidden: [4], epochs: 1, threads: 1 })
    const one = join(folder, 'one')
    await cp(data, one, { recursive: true })
    await rm(join(one, '.nearrank'), { recursive: true })
    await rm(join(one, 'test'), { recursive: true })
    await writeParquetFile(
      one,
      'test/test.parquet',
      'SELECT 3::BIGINT AS user_id, 4::BIGINT AS restaurant_id, 1 AS click',
    )
    const { rows, repeats, auc, features } = await importance({ data: one, model, report: false })
    assert.deepEqual([rows, repeats, auc], [1, 10, null])
    for (const { logLossIncrease, logLossError, aucDecrease, aucError } of features)
      assert.deepEqual([logLossIncrease, logLossError, aucDecrease, aucError], [0, null, null, null])
  })
})
