import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { flagsOf } from '../../src/cli/flags/flags.ts'
import { TRAIN_OPTIONS } from '../../src/training/settings/allTrainOptions.ts'
import { type CliResult, runCli, runCliLines } from './runCli.ts'

const COMMANDS =
  'generate inspect train tune evaluate compare importance score recommend export serve load backup loadtest api-key completion'.split(
    ' ',
  )

describe('usage', () => {
  let directory = ''
  const helps = new Map<string, CliResult>()
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nearrank-usage-'))
    const results = await runCliLines([['--help'], ...COMMANDS.map((command) => [command, '--help'])])
    for (const [i, command] of ['', ...COMMANDS].entries()) helps.set(command, results[i])
  })
  after(() => rm(directory, { recursive: true, force: true }))

  test('--version prints that of package.json', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    assert.deepEqual(await runCli(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
  })

  for (const command of ['', ...COMMANDS])
    test(`nearrank ${command} --help fits a page and ends with an example`, () => {
      const { code, stdout, stderr } = helps.get(command) ?? assert.fail()
      assert.equal(code, 0)
      assert.equal(stderr, '')
      const lines = stdout.trimEnd().split('\n')
      assert.ok(lines.length <= 50, `${lines.length} lines`)
      for (const line of lines) assert.ok(line.length <= 100, `${line.length} columns: ${line}`)
      assert.match(lines[0], new RegExp(`^Usage: nearrank ${command}`))
      const example = stdout.split('\nExample:\n')[1]
      assert.match(example, /^ {2}nearrank /)
      for (const name of COMMANDS) if (command === '') assert.ok(stdout.includes(`\n  ${name} `), name)
    })

  test('the help tells every flag', () => {
    const { stdout } = helps.get('train') ?? assert.fail()
    const flags = flagsOf(TRAIN_OPTIONS).map((flag) => flag.flags.split(' ')[0])
    assert.ok(flags.length > 35 && flags.includes('--turbo') && flags.includes('--no-shuffle'))
    for (const flag of [...flags, '--config', '--json'])
      assert.match(stdout, new RegExp(`${flag}[ ,\\n]`), flag)
  })

  const wrong: [args: string[], message: RegExp][] = [
    [[], /^Usage: nearrank/],
    [['trian'], /unknown command 'trian'[\s\S]*Did you mean train\?/],
    [['train', '--epoch', '1'], /unknown option '--epoch'[\s\S]*Did you mean --epochs\?/],
    [['train', '--learningrate', '1'], /Did you mean --learning-rate\?/],
    [['recommend', '--lat', '1'], /'--lat'\n\(Did you mean --latitude or --latitude-column\?\)\n$/],
    [['recommend', '--longitud=1'], /'--longitud=1'\n\(Did you mean --longitude /],
    [['train', '--zeal', '1'], /unknown option '--zeal'\n$/],
    [['train', '--quite'], /Did you mean --quiet\?/],
    [['train', 'data'], /too many arguments/],
    [['train', '--out', 'm'], /--data DIR is missing/],
    [['train', '--data', 'd'], /--out DIR is missing/],
    [['train', '--epochs'], /Cannot use --epochs: its value must follow, as in --epochs N, found the end/],
    [['serve', '--model', 'm', '--store'], /as in --store ADDRESS, found the end of the line/],
    [['inspect', '--data'], /as in --data DIR, found the end of the line/],
    [['train', '--epochs', '0'], /--epochs.*'0' is invalid.*an integer from 1/],
    [['train', '--epochs', '1e1'], /It must be an integer/],
    [['train', '--epochs', '2x'], /It must be an integer/],
    [['train', '--learning-rate', 'fast'], /It must be a number/],
    [['train', '--learning-rate', '-1'], /above 0/],
    [['train', '--batch-size', '99999999'], /1 to 65536/],
    [['train', '--validation', '0.9'], /from 0 to 0\.5/],
    [['train', '--max-memory', '1GB'], /1GiB, 512MiB/],
    [['train', '--max-memory', '1KiB'], /at least 67108864/],
    [['train', '--preset', 'referense'], /Did you mean reference\?/],
    [['train', '--keep', 'bets'], /Did you mean best\?/],
    [['train', '--on-missing', 'skip'], /one of fail, drop/],
    [['train', '--hidden', '256,,128'], /without empty parts/],
    [['train', '--hidden', '9999'], /integers from 1 to 4096/],
    [['train', '--activations', 'tanh'], /none and relu/],
    [['train', '--data', 'd', '--out', 'o', '--hidden', '8,4', '--activations', 'relu'], /2 hidden layers/],
    [['train', '--data', 'd', '--out', 'o', '--validation', '0', '--keep', 'best'], /validation is 0/],
    [['tune', '--data', 'd'], /--out DIR is missing; give the folder for the search/],
    [['tune', '--out', 'o'], /Cannot tune: --data DIR is missing/],
    [['tune', '--trials', '0'], /--trials.*'0' is invalid.*an integer from 1 to 1000/],
    [['tune', '--data', 'd', '--out', 'o', '--validation', '0'], /without a validation split/],
    [['tune', '--from', 'm'], /unknown option '--from'/],
    [['generate'], /--out DIR is missing/],
    [['generate', '--rows', '-5'], /integer from 1/],
    [['generate', '--seed', '1.5'], /It must be an integer/],
    [['generate', '--kind', 'realistik'], /Did you mean realistic\?/],
    [['generate', '--kind', 'realistic', '--out', 'o', '--restaurants', '19'], /20 restaurants, found 19/],
    [['inspect'], /--data DIR is missing/],
    [['inspect', '--on-missing', 'drop'], /unknown option '--on-missing'/],
    [['evaluate', '--data', 'd'], /--model DIR is missing/],
    [['importance', '--data', 'd'], /--model DIR is missing/],
    [['compare', '--data', 'd'], /--models A,B is missing/],
    [['compare', '--models', 'a'], /--models.*'a' is invalid.*2 to 10 different model folders/],
    [['score', '--data', 'd', '--model', 'm'], /--out DIR is missing/],
    [['score', '--out', 'o'], /--data DIR is missing/],
    [['score', '--data', 'd', '--model', 'm', '--out', 'o', '--near'], /Cannot use --near without --top/],
    [
      ['score', '--data', 'd', '--model', 'm', '--out', 'o', '--top', '5', '--turbo', 'on'],
      /Cannot use --turbo with --top/,
    ],
    [['score', '--top', '0'], /--top.*an integer from 1 to 10000/],
    [['importance', '--rows', '0'], /--rows.*'0' is invalid.*an integer from 1/],
    [['export', '--format', 'onxx'], /Did you mean onnx\?/],
    [['export'], /--model DIR is missing/],
    [['recommend', '--data', 'd', '--model', 'm'], /--user ID is missing/],
    [['recommend', '--data', 'd', '--model', 'm', '--user', '1'], /--latitude/],
    [['recommend', '--latitude', '91'], /from -90 to 90/],
    [['recommend', '--candidates', '1,,2'], /empty parts/],
    [['serve'], /--model DIR is missing/],
    [['serve', '--model', 'm', '--port', '65536'], /--port.*an integer from 0 to 65535/],
    [['serve', '--model', 'm', '--workers', '0'], /--workers.*an integer from 1 to 256/],
    [['serve', '--model', 'm', '--unknown-user', 'averag'], /Did you mean average\?/],
    [['serve', '--model', 'm', '--max-queue', '0'], /--max-queue.*an integer from 1/],
    [['serve', '--model', 'm', '--drain-seconds', '-1'], /from 0 to 3600/],
    [['serve', '--model', 'm', '--user-ids', 'int'], /Did you mean|one of integer, unsigned, string/],
    [['serve', '--model', 'm', '--log-level', 'loud'], /one of fatal, error/],
    [['serve', '--model', 'm', '--click-column', 'c'], /unknown option '--click-column'/],
  ]
  test('wrong usage: exit code 2, a sentence on standard error, nothing on standard output', async () => {
    const lines = wrong.map(([args]) => args)
    const results = await runCliLines(lines, { cwd: directory })
    for (const [i, [args, message]] of wrong.entries()) {
      const { code, stdout, stderr } = results[i]
      assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
      assert.equal(stdout, '', args.join(' '))
      assert.match(stderr, message)
      if (args.length > 0) assert.match(stderr, /^nearrank: /)
      assert.doesNotMatch(stderr, /\n {4}at /, 'no stack')
    }
    const alone = await runCli(lines[1], { cwd: directory })
    assert.deepEqual(alone, results[1], 'a process of its own says the same')
  })

  test('config files: wrong keys and values are wrong usage, what is no JSON object is bad input', async () => {
    const cases: [text: string, code: number, message: RegExp][] = [
      ['{"epoch": 1}', 2, /unknown key "epoch"\. Did you mean "epochs"\?/],
      ['{"columns": {"userid": "u"}}', 2, /Did you mean "columns\.userId"\?/],
      ['{"learningRate": "fast"}', 2, /learningRate must be a number above 0 .* found "fast"/],
      ['{"hidden": [0]}', 2, /hidden must be .* found \[0\]/],
      ['{"epochs": 1, "epochs": 2}', 1, /epochs appears twice/],
      ['[]', 1, /must be a JSON object/],
      ['{', 1, /not valid JSON/],
    ]
    const lines = [['train', '--config', join(directory, 'absent.json')]]
    for (const [i, [text]] of cases.entries()) {
      const file = join(directory, `config-${i}.json`)
      await writeFile(file, text)
      lines.push(['train', '--data', 'd', '--out', 'o', '--config', file])
    }
    const [absent, ...results] = await runCliLines(lines, { cwd: directory })
    for (const [i, [text, code, message]] of cases.entries()) {
      assert.match(results[i].stderr, message)
      assert.equal(results[i].code, code, text)
      assert.equal(results[i].stdout, '')
    }
    assert.equal(absent.code, 1)
    assert.match(absent.stderr, /absent\.json: there is no such file/)
  })

  test('a reader that leaves early is no failure', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
    const child = spawn(process.execPath, [main, 'train', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number]
    assert.equal(stderr, '')
    assert.equal(code, 0)
  })
})
