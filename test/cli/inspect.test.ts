import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { renderInspection } from '../../src/cli/output/inspectTable.ts'
import type { InspectedColumn, Inspection } from '../../src/dataset/inspect/report.ts'
import { runCli, runCliLines } from './runCli.ts'

const UCI = fileURLToPath(new URL('../../examples/uci-restaurants', import.meta.url))
const NAMES = ['--user-id-column', 'userID', '--restaurant-id-column', 'placeID']
const KEYS = ['data', 'files', 'columns', 'features', 'leftOut', 'warnings', 'seconds', 'peakRssBytes']

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nearrank-inspect-'))
})
after(() => rm(folder, { recursive: true, force: true }))

test('inspect prints files, columns and what looks wrong, and writes the features', async () => {
  const out = join(folder, 'features.json')
  const [shown, inJson, absent] = await runCliLines([
    ['inspect', '--data', UCI, ...NAMES, '--out', out],
    ['inspect', '--data', UCI, ...NAMES, '--json'],
    ['inspect', '--data', join(folder, 'absent')],
  ])
  assert.deepEqual([shown.code, shown.stderr], [0, ''])
  const lines = shown.stdout.split('\n')
  for (const line of [
    /^train +1 +928 +4\.73 KiB +383 +41\.3 % +0 % +0 % +– +–$/,
    /^test +1 +233 +3\.01 KiB +103 +44\.2 % +0 % +0 % +0 % +0 %$/,
    /^User and restaurant together: Rcuisine~Rcuisine \(overlap\), Upayment~Rpayment \(overlap\)\.$/,
    /^userID +VARCHAR +0 % +138 +id$/,
    /^latitude +DOUBLE +0 % +128 +place +18\.81 to 23\.77$/,
    /^smoker +BOOLEAN +2\.2 % +2 +category +false 79 %, true 19 %$/,
    /^birth_year +BIGINT +0 % +21 +number +1930 to 1994$/,
    /^Upayment +VARCHAR\[\] +3\.6 % +5 +categories +cash 95 %, bank_debit_cards 16 %, VISA 12 %$/,
    /^name +VARCHAR +0 % +\d+ +– \(nearly every row has another text\) /,
    /^food_rating +BIGINT +0 % +3 +number, if named +0 to 2$/,
    /^click +TINYINT +0 % +2 +click label +0 to 1$/,
    /^2 things look wrong:$/,
    /^ {2}! train\/train\.parquet: column rating alone tells clicks from other rows \(AUC 1\.000\)/,
    /^34 features, in /,
  ])
    assert.ok(
      lines.some((one) => line.test(one)),
      `${line} in\n${shown.stdout}`,
    )

  assert.equal(inJson.code, 0)
  const found = JSON.parse(inJson.stdout) as Inspection
  assert.deepEqual(Object.keys(found), KEYS)
  assert.equal(Object.keys(found.features).length, 34)
  const none = Object.fromEntries(
    Object.keys(found.leftOut)
      .filter((name) => !name.startsWith('context.'))
      .map((name) => [name, false]),
  )
  assert.deepEqual(JSON.parse(await readFile(out, 'utf8')), { features: { ...found.features, ...none } })
  assert.equal(absent.code, 1)
  assert.match(absent.stderr, /absent: there is no such folder/)
  assert.equal(absent.stdout, '')
})

test('a pipe gets nothing but the object', async () => {
  const { code, stdout, stderr } = await runCli(['inspect', '--data', UCI, ...NAMES, '--json'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^\{.*\}\n$/)
})

test('what stands in the data moves no cursor, breaks no line and fills no screen', () => {
  const column = (name: string): InspectedColumn => ({
    name,
    type: 'VARCHAR',
    role: 'feature',
    missing: 0,
    missingShare: 0,
    distinct: 70_123,
    low: null,
    high: null,
    lengths: null,
    frequent: [{ value: `\u001b[31mred\n${'x'.repeat(90)}`, share: 0.0001 }],
    feature: { name, kind: 'category' },
    leftOut: null,
  })
  const users = Array.from({ length: 300 }, (_, i) => column(`\u001b[2J${i}`))
  const text = renderInspection({
    data: 'data',
    files: {
      users: { name: 'u.parquet', files: 1, rows: 100_000, bytes: 1 },
      restaurants: null,
      train: null,
      test: null,
    },
    columns: { users, restaurants: [], clicks: [] },
    features: {},
    leftOut: {},
    warnings: [
      { kind: 'constant', file: 'u.parquet', column: 'a\nb', message: 'u.parquet: column a\nb is \u0007' },
    ],
    seconds: 1,
    peakRssBytes: 1,
  })
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{C}/u)
  const lines = text.split('\n')
  assert.ok(lines.length < 220, `${lines.length} lines`)
  for (const line of lines) assert.ok(line.length < 200, line)
  assert.ok(lines.includes('… and 100 more; --json has all'))
  assert.ok(lines.includes('  ! u.parquet: column a b is  '))
  assert.match(text, /~70,000 {2}category {2} \[31mred xxxxxxxx… <1 %/)
})
