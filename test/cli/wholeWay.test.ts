import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { writeParquetFile } from '../dataset/fixture.ts'
import { type CliResult, runCli, runCliLines } from './runCli.ts'
import { checkPage, sectionsOf } from '../report/checkPage.ts'
import { elements, textOf } from '../report/xml.ts'

const SIZES =
  '--rows 20000 --test-rows 4000 --users 500 --restaurants 300 --requests 5 --candidates 100 --files 3 --test-files 2'

function words(text: string): string[] {
  return text.split(/\s+/)
}

/** The one line of standard output, as the object that `--json` promises. */
function jsonOf({ code, stdout, stderr }: CliResult): Record<string, unknown> {
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^\{.*\}\n$/, 'one object and nothing else')
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('the whole way on the command line', () => {
  let directory = ''
  const at = (name: string) => join(directory, name)
  const place = () => ['--data', at('data'), '--model', at('model')]

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nearrank-cli-'))
    const made = jsonOf(await runCli(['generate', '--out', at('data'), ...SIZES.split(' '), '--json']))
    assert.deepEqual(
      Object.keys(made),
      words(
        `kind rows testRows users restaurants requests seconds bytes bayesAccuracy bayesLogLoss ceilings`,
      ),
    )
    assert.equal(made.rows, 20_000)
    const trained = jsonOf(await runCli(['train', '--data', at('data'), '--out', at('model'), '--json']))
    assert.deepEqual(
      Object.keys(trained),
      words(`preset rows epochs packSeconds trainSeconds peakRssBytes threads simd steps parameters`),
    )
    const [epoch] = trained.epochs as object[]
    assert.deepEqual(Object.keys(epoch), ['epoch', 'rows', 'seconds', 'loss', 'rowsPerSecond', 'accuracy'])
    assert.equal(trained.parameters, 43_521)
  })
  after(() => rm(directory, { recursive: true, force: true }))

  test('generate --kind realistic tells what is lost without each kind of feature', async () => {
    const sizes = '--rows 2000 --test-rows 2000 --users 100 --restaurants 50 --requests 0 --files 1'
    const { code, stdout, stderr } = await runCli(
      ['generate', '--kind', 'realistic', '--out', at('realistic')].concat(words(sizes)),
    )
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^best possible +accuracy +AUC +log loss +NDCG@10\n/m)
    assert.match(stdout, /^with every feature(?: +0\.\d{4}){4}\n/m)
    const kinds = Array.from(stdout.matchAll(/^without (\w+)(?: +0\.\d{4}){2} +(0\.\d{4}) +0\.\d{4}$/gm))
    assert.equal(kinds.length, 11)
    const losses = kinds.map(([, , loss]) => loss)
    assert.deepEqual(losses, losses.toSorted().toReversed())
  })

  test('with --quiet, train shows its result and nothing else', async () => {
    const args = ['train', '--data', at('data'), '--out', at('quiet'), '--epochs', '1', '--hidden', '8']
    const { code, stdout, stderr } = await runCli(['--quiet', ...args])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^epoch +rows/)
    const loud = await runCli(args)
    assert.match(loud.stderr, /Features of the users/)
    const last = await runCli([...args, '--quiet'])
    assert.deepEqual([last.code, last.stderr], [0, ''])
  })

  test('train prints tables for people, and a config file counts less than a flag', async () => {
    await writeFile(at('config.json'), JSON.stringify({ epochs: 3, hidden: [16], seed: 5 }))
    const { code, stdout, stderr } = await runCli(
      ['train', '--data', at('data'), '--out', at('other')].concat(
        '--config',
        at('config.json'),
        '--epochs',
        '2',
      ),
    )
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^epoch +rows/)
    assert.match(stdout, /every row used in every epoch/)
    assert.match(stdout, /best possible \(Bayes\) +0\.\d{4}/)
    const model = JSON.parse(await readFile(at('other/model.json'), 'utf8')) as {
      settings: Record<string, unknown>
    }
    const { epochs, hidden, activations, seed } = model.settings
    assert.deepEqual(
      { epochs, hidden, activations, seed },
      { epochs: 2, hidden: [16], activations: ['relu'], seed: 5 },
    )
    assert.match(await readFile(at('other/report.md'), 'utf8'), /^# Training report/)
    assert.match(stdout, /^loss +█▁ +0\.\d{4} to 0\.\d{4}$/m)
    const sections = sectionsOf(checkPage(await readFile(at('other/report.html'), 'utf8')))
    const made = sections.get('made') ?? assert.fail('no section')
    const config = elements(made, 'pre').map(textOf)
    const asked = { data: 'data', out: 'other', turbo: 'auto', epochs: 2, hidden: [16], seed: 5 }
    assert.deepEqual(JSON.parse(config[0]), asked)
  })

  test('tune prints a table that fits a terminal, and how to train; --json all that it has found', async () => {
    const line = ['tune', '--data', at('data'), '--out', at('tuned'), '--epochs', '3', '--trials', '4']
    const { code, stdout, stderr } = await runCli(line)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^round 1\/2 {2}4 trials of 1 epoch {2}best validation loss 0\.\d{4} {2}preset 0/m)
    assert.match(stdout, /^trial +epochs +log loss +difference +rate +batch +hidden +decay$/m)
    assert.match(stdout, /^ +0 +3 +0\.\d{4} +– +0\.003 +32 +256 none, 128 +0$/m)
    assert.match(stdout, /^Only 4,\d{3} rows are held out: chance may decide/m)
    for (const text of stdout.split('\n').slice(0, -2)) assert.ok(text.length <= 100, text)
    const [, command] =
      /^To train with the best settings: nearrank (.*)$/m.exec(stdout) ?? assert.fail(stdout)
    const found = jsonOf(await runCli([...line, '--json']))
    assert.deepEqual(
      Object.keys(found),
      words('measure searched epochs heldOut trials best trainings skipped config seconds'),
    )
    assert.deepEqual([(found.trials as object[]).length, (found.skipped as number) >= 5], [4, true])
    const trained = await runCli([...command.replace('--out model', '--json --out').split(' '), at('best')])
    assert.equal((jsonOf(trained).epochs as object[]).length, 3)
  })

  test('evaluate --json holds every measure in the promised order', async () => {
    const report = jsonOf(await runCli(['evaluate', ...place(), '--json']))
    assert.deepEqual(
      Object.keys(report),
      words(`rows accuracy auc logLoss normalizedEntropy calibrationError ndcg10 clickRate
      majorityAccuracy bayesAccuracy bayesLogLoss scores byGroup byUser calibration curves slices seconds`),
    )
    assert.equal(report.rows, 4000)
    assert.ok((report.accuracy as number) <= 1 && (report.bayesAccuracy as number) > 0.8)
  })

  test('evaluate prints a table, and writes a page where it is told to', async () => {
    const { code, stdout } = await runCli(['evaluate', ...place(), '--report', at('evaluation.html')])
    assert.equal(code, 0)
    assert.match(stdout, /^Report: .*evaluation\.html$/m)
    const sections = sectionsOf(checkPage(await readFile(at('evaluation.html'), 'utf8')))
    assert.deepEqual(Array.from(sections.keys()), ['glance', 'test', 'baselines', 'by-user'])
    assert.match(stdout, /accuracy +0\.\d{5} +0\.\d{5} +0\.\d{5}/)
    assert.match(stdout, /^by user +model +95 % interval +popular +random$/m)
    assert.match(stdout, /^GAUC +0\.\d{5} +0\.\d{5} to 0\.\d{5} +0\.\d{5} +0\.50000$/m)
    assert.ok(
      stdout
        .replace(at('evaluation.html'), '')
        .split('\n')
        .every((line) => line.length <= 100),
    )
  })

  test('a page that cannot be written is refused before anything is measured', async () => {
    for (const [path, reason] of [
      [at('none/page.html'), /there is no folder .*none; create it or choose another path/],
      [at('model'), /it must be a file, found something else/],
    ] as const) {
      const { code, stderr } = await runCli(['evaluate', ...place(), '--report', path])
      assert.equal(code, 1)
      assert.match(stderr, reason)
      assert.doesNotMatch(stderr, /rows in/)
    }
  })

  test('importance --json holds every feature and group, and the report has them, too', async () => {
    const found = jsonOf(await runCli(['importance', ...place(), '--rows', '1500', '--json']))
    assert.deepEqual(
      Object.keys(found),
      words('rows testRows repeats seed logLoss auc groups features seconds'),
    )
    const features = found.features as Record<string, unknown>[]
    assert.deepEqual([found.testRows, features.length, (found.groups as object[]).length], [4000, 40, 2])
    const keys = words('name group logLossIncrease logLossError aucDecrease aucError')
    for (const feature of features) assert.deepEqual(Object.keys(feature), keys)
    const report = await readFile(at('model/report.md'), 'utf8')
    assert.match(report, /^## Feature importance$/m)
    for (const { name } of features)
      assert.match(report, new RegExp(`^\\| ${String(name)} \\| -?0\\.\\d{5} `, 'm'))
  })

  test('importance prints tables that fit a terminal, and leaves the report if it is told to', async () => {
    const earlier = await readFile(at('model/report.md'), 'utf8')
    const { code, stdout, stderr } = await runCli([
      'importance',
      ...place(),
      '--rows',
      '1500',
      '--seed',
      '4',
      '--no-report',
    ])
    assert.equal(code, 0, stderr)
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
    assert.match(
      stdout,
      /^1,\d{3} of 4,000 test clicks, seed 4: log loss 0\.\d{5}, AUC 0\.\d{5} as they are\.$/m,
    )
    assert.match(stdout, /^group +log loss \+ +± +AUC − +±$/m)
    assert.match(stdout, /^user\.f00 +−?0\.\d{5} +0\.\d{5} +−?0\.\d{5} +0\.\d{5}$/m)
    assert.equal(await readFile(at('model/report.md'), 'utf8'), earlier)
  })

  test('score writes files, tells so, and continues', async () => {
    const line = ['score', ...place(), '--out', at('scores'), '--copy-columns', 'click']
    const { code, stdout, stderr } = await runCli(line)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^4,000 scores in 2 files in .*scores: \d/)
    const found = jsonOf(await runCli([...line, '--json']))
    assert.deepEqual(Object.keys(found), words('files skipped rows dropped seconds'))
    assert.deepEqual([found.files, found.skipped, found.rows, found.dropped], [2, 2, 4000, 0])
    assert.deepEqual(
      (await readdir(at('scores'))).toSorted(),
      words('scores.json test_00.parquet test_01.parquet'),
    )
    const first = `SELECT * FROM '${at('data/test/test_00.parquet')}' LIMIT 1`
    await writeParquetFile(at('.'), 'one.parquet', first)
    const one = await runCli(['score', ...place(), '--out', at('one'), '--files', at('one.parquet')])
    assert.match(one.stdout, /^1 score in 1 file in .*one: \d/, one.stderr)
  })

  test('score --top writes the best restaurants for every row', async () => {
    const line = ['score', ...place(), '--out', at('lists'), '--files', 'requests.parquet']
    const near = ['--top', '9', '--near', '--max-dist', '200000', '--threads', '2']
    const { code, stdout, stderr } = await runCli([...line, ...near])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^45 scores in 1 file in .*lists: \d/)
    const found = jsonOf(await runCli([...line, ...near, '--json']))
    assert.deepEqual([found.files, found.skipped, found.rows], [1, 1, 45])
  })

  test('recommend --json is exactly what the API answers', async () => {
    const request = ['--request', at('data/requests.parquet'), '--request-row', '1', '--max-dist', '100000']
    const answer = jsonOf(await runCli(['recommend', ...place(), ...request, '--size', '7', '--json']))
    assert.deepEqual(Object.keys(answer), ['restaurants'])
    const restaurants = answer.restaurants as { id: number; score: number; displacement: number }[]
    assert.equal(restaurants.length, 7)
    for (const restaurant of restaurants)
      assert.deepEqual(Object.keys(restaurant), ['id', 'score', 'displacement'])
    const scores = restaurants.map(({ score }) => score)
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    )
  })

  test('the same request as JSON file, and as flags, gives the same list', async () => {
    const body = {
      user_id: 'u00042',
      candidate_restaurant_ids: [5, 6, 7, 8],
      latitude: 13.8,
      longitude: 100.5,
      max_dist: 200_000,
      sort_dist: true,
    }
    await writeFile(at('request.json'), JSON.stringify(body))
    const flags =
      '--user 42 --candidates 5,6,7,8 --latitude 13.8 --longitude 100.5 --max-dist 200000 --sort-dist'
    const [fromFile, fromFlags] = await runCliLines([
      ['recommend', ...place(), '--request', at('request.json'), '--json'],
      ['recommend', ...place(), ...flags.split(' '), '--json'],
    ])
    const { restaurants } = jsonOf(fromFile) as { restaurants: { displacement: number }[] }
    assert.equal(restaurants.length, 4)
    const distances = restaurants.map(({ displacement }) => displacement)
    assert.deepEqual(
      distances,
      distances.toSorted((a, b) => a - b),
    )
    assert.equal(fromFlags.stdout, fromFile.stdout)
  })

  test('recommend: all candidates, unknown ones, an unknown user, bad files', async () => {
    const where = ['--latitude', '13.8', '--longitude', '100.5']
    const badRequests = [
      ['{', /neither Parquet nor JSON/],
      ['[]', /JSON object/],
      ['{"user_id": 1, "candidate_restaurant_ids": [1], "latitude": 13, "longitude": 100, "x": 1}', /"x"/],
      ['{"user_id": {}, "candidate_restaurant_ids": [1], "latitude": 13, "longitude": 100}', /user_id/],
    ] as const
    const everything = ['--candidates', 'all', '--max-dist', '200000', '--size', '1000', '--json']
    const lines = [
      ['--user', '1', ...where, ...everything],
      ['--user', '1', ...where, '--candidates', '3,99999'],
      ['--user', '99999', ...where, '--candidates', '1'],
    ]
    for (const [i, [text]] of badRequests.entries()) {
      await writeFile(at(`bad-${i}.json`), text)
      lines.push(['--request', at(`bad-${i}.json`), '--json'])
    }
    const [all, some, nobody, ...refused] = await runCliLines(
      lines.map((args) => ['recommend', ...place()].concat(args)),
    )
    assert.equal((jsonOf(all).restaurants as object[]).length, 300)
    assert.equal(some.code, 0)
    assert.match(some.stderr, /1 unknown candidate.* left out.*99999/)
    assert.equal(nobody.code, 1)
    assert.match(nobody.stderr, /user 99999 has no features/)
    for (const [i, [text, message]] of badRequests.entries()) {
      const bad = refused[i]
      assert.equal(bad.code, 1, text)
      assert.equal(bad.stdout, '')
      assert.match(bad.stderr, message)
    }
  })

  test('export writes the file and says where', async () => {
    const exported = jsonOf(
      await runCli(['export', '--model', at('model'), '--out', at('ranker.onnx'), '--json']),
    )
    assert.deepEqual(Object.keys(exported), ['format', 'path', 'bytes'])
    assert.equal((await stat(at('ranker.onnx'))).size, exported.bytes)
  })

  test('bad data: exit code 1, one sentence, nothing on standard output, nothing in --out', async () => {
    await writeFile(at('notes.txt'), 'mine')
    const { code, stdout, stderr } = await runCli(
      ['train', '--data', at('nowhere'), '--out', at('new')].concat('--json'),
    )
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /^nearrank: .*nowhere/)
    assert.doesNotMatch(stderr, /\n {4}at /)
    assert.ok(!(await readdir(directory)).includes('new'))
  })

  test('Ctrl+C: exit code 130, the checkpoint is kept, and --resume goes on', async () => {
    const args = ['train', '--data', at('data'), '--out', at('long'), '--checkpoint-seconds', '0.2']
    const isRunning = /train {2}[\d,]+ rows an epoch/
    // One signal each: a second one would end the process at once.
    const killOnceAfter = (delayMs: number) => {
      let isKilled = false
      return (text: string, kill: (signal: NodeJS.Signals) => void) => {
        if (isKilled || !isRunning.test(text)) return
        isKilled = true
        setTimeout(() => kill('SIGINT'), delayMs)
      }
    }
    const interrupted = await runCli([...args, '--epochs', '2000'], { onStderr: killOnceAfter(500) })
    assert.equal(interrupted.code, 130, interrupted.stderr)
    assert.equal(interrupted.stdout, '')
    assert.match(
      interrupted.stderr,
      /nearrank: Training was interrupted\. The checkpoint of step .* --resume/,
    )
    const resumed = await runCli([...args, '--epochs', '2000', '--resume'], { onStderr: killOnceAfter(0) })
    assert.match(resumed.stderr, /resumed at step [\d,]+/)
    assert.equal(resumed.code, 130, resumed.stderr)
  })
})
