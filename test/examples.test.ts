import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { Interrupt } from '../src/cli/interrupt.ts'
import { buildProgram } from '../src/cli/program.ts'
import { Progress } from '../src/cli/progress/progress.ts'
import { PRESETS } from '../src/index.ts'
import { parseRecommendRequest, RecommendBody } from '../src/ranking/requestBody.ts'
import { buildApp } from '../src/server/app.ts'
import { PROBLEMS } from '../src/server/problems/problems.ts'
import { Metrics } from '../src/server/metrics.ts'
import { ThreadStats } from '../src/server/threads/threadStats.ts'
import type { StoreLayout } from '../src/store/featureStore.ts'
import { keyOf } from '../src/store/redis/rows.ts'
import { checkKeys } from '../src/options/checkOptions.ts'
import { TRAIN_OPTIONS } from '../src/training/settings/allTrainOptions.ts'
import { curlOf, fenced, pagesInOrder, ROOT, shellLines, textOf, wordsOf } from './docsText.ts'
import { fakeServices } from './server/fakeServices.ts'
import { temporaryFolder } from './training/dataFixture.ts'

const LAYOUT: StoreLayout = {
  users: { features: 30, ids: 'integer' },
  restaurants: { features: 10, ids: 'integer' },
}
const UNCHECKED = ['docs/TRUST.md', 'docs/BENCHMARKS.md'] // but for npm scripts and links
const IN_ORDER = pagesInOrder()
const PAGES = ['README.md', ...IN_ORDER.filter((page) => !UNCHECKED.includes(page))]
const OTHER_PAGES = [
  ...UNCHECKED,
  'docs/README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'deploy/README.md',
  'bench/peers/README.md',
  'examples/uci-restaurants/README.md',
]
const folder = await temporaryFolder()

describe('README and docs', () => {
  test('every command line is one that the program takes', async () => {
    const commands = PAGES.flatMap(shellLines).filter((line) => line.startsWith('npx nearrank '))
    assert.ok(commands.length > 20, `${commands.length} commands`)
    for (const command of commands) {
      const program = testProgram()
      for (const one of program.commands) one.action(() => {})
      const args = wordsOf(command).slice(2)
      await assert.doesNotReject(program.parseAsync(args, { from: 'user' }), command)
    }
  })

  test('every npm script exists', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    const names = [...PAGES, ...OTHER_PAGES].flatMap((page) =>
      Array.from(textOf(page).matchAll(/npm run ([\w:]+)/g), ([, name]) => name),
    )
    assert.ok(names.length > 2)
    for (const name of names) assert.ok(Object.hasOwn(scripts, name), name)
  })

  test('JSON is JSON, a request is one, a config file is one', () => {
    const blocks = PAGES.flatMap((page) => fenced(page, 'json'))
    const values = blocks.flatMap((text) =>
      text.startsWith('{"') ? text.trim().split('\n').map(parsed) : [parsed(text)],
    )
    assert.ok(values.length > 5)
    const requests = values.filter((value) => 'candidate_restaurant_ids' in value)
    for (const { user_id: user, ...body } of requests) {
      assert.equal(typeof user, 'number')
      parseRecommendRequest(body)
    }
    const configs = values.filter((value) => 'preset' in value)
    for (const config of configs) checkKeys(TRAIN_OPTIONS, config, 'the README')
    assert.deepEqual([requests.length, configs.length], [1, 1])
  })

  test('every curl is answered well', async () => {
    const app = testApp()
    const features = Array(LAYOUT.restaurants.features).fill(0.5)
    const restaurant = { features, latitude: 13.8, longitude: 100.5 }
    const rows = [
      { user_id: 42, features: Array(LAYOUT.users.features).fill(0.5) },
      { restaurant_id: 7, ...restaurant },
      { restaurant_id: 8, ...restaurant },
    ].map((row) => JSON.stringify(row))
    const headers = { 'content-type': 'application/x-ndjson' }
    await app.inject({ method: 'POST', url: '/features', headers, payload: rows.join('\n') })
    // Those of the first hour are about its own data: test/firstHour.test.ts sends them.
    const pages = PAGES.filter((page) => page !== 'docs/start.md')
    const lines = pages.flatMap(shellLines).filter((line) => line.startsWith('curl '))
    assert.ok(lines.length > 8, `${lines.length} lines`)
    for (const line of lines) {
      const request = curlOf(wordsOf(line), { '@rows.ndjson': rows[0] })
      const isRanking = request.url.startsWith('/recommend/')
      if (isRanking) parseRecommendRequest(JSON.parse(request.payload))
      const { statusCode, body } = await app.inject(request)
      const wanted = isRanking ? 503 : 299 // this app ranks nothing
      assert.ok(statusCode >= 200 && statusCode <= wanted, `${line}: ${statusCode} ${body}`)
    }
  })

  test('TypeScript compiles', { timeout: 120_000 }, async () => {
    const blocks = PAGES.flatMap((page) => fenced(page, 'ts'))
    assert.ok(blocks.length > 1)
    const out = join(folder, 'docs')
    await mkdir(out)
    for (const [i, block] of blocks.entries()) await writeFile(join(out, `block${i}.mts`), block)
    const { compilerOptions } = JSON.parse(textOf('tsconfig.json')) as { compilerOptions: object }
    const paths = {
      nearrank: [join(ROOT, 'dist/index.d.ts')],
      'nearrank/client': [join(ROOT, 'dist/client/nearrankClient.d.ts')],
    }
    const typeRoots = [join(ROOT, 'node_modules/@types')]
    await writeFile(
      join(out, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...compilerOptions, paths, typeRoots },
        include: ['*.mts'],
      }),
    )
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const args = [compiler, '-p', out]
    await promisify(execFile)(process.execPath, args).catch((error: { stdout: string }) =>
      assert.fail(error.stdout),
    )
  })

  test('tables hold every route, field, error code and metric, and no other', async () => {
    const app = testApp()
    const { paths } = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>()
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const api = textOf('docs/http-api.md')
    const documented = Array.from(
      api.split('\n## ')[0].matchAll(/`((?:GET|PUT|POST|DELETE) [^`]+)`/g),
      ([, route]) => route,
    )
    // The OpenAPI document leaves out the pages for people.
    assert.deepEqual(documented.toSorted(), [...routes, 'GET /', 'GET /docs'].toSorted())

    const fields = Array.from(
      sectionOf(api, 'Recommend').matchAll(/^\| (`[a-z_`, ]+) \|/gm),
      ([, names]) => names,
    )
    assert.deepEqual(
      fields.flatMap((names) => names.replaceAll('`', '').split(', ')).toSorted(),
      Object.keys(RecommendBody.properties).toSorted(),
    )
    const codes = Array.from(
      sectionOf(api, 'Errors').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm),
      ([, code, status]) => [code, Number(status)],
    )
    assert.deepEqual(
      Object.fromEntries(codes),
      Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, status])),
    )
    const stats = new ThreadStats(new SharedArrayBuffer(ThreadStats.BYTES))
    const metrics = await new Metrics([stats], () => fakeServices().state).render()
    const rows = sectionOf(textOf('docs/operating.md'), 'Metrics').matchAll(/^\| (`.+?`) \|/gm)
    assert.deepEqual(
      Array.from(rows, ([, names]) => names.replaceAll(/\{.*?\}|`/g, '').split(', '))
        .flat()
        .toSorted(),
      Array.from(metrics.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name).toSorted(),
    )
  })

  test('every flag of a command is in its section of docs/cli.md, and no other', () => {
    const sections = textOf('docs/cli.md')
    for (const command of testProgram().commands) {
      const section = sectionOf(sections, command.name())
      const dataFlags = /^\[Data flags\][\s\S]*?\n\n/m.exec(section)?.[0] ?? ''
      const texts = [...columnOf(section, 0), dataFlags]
      const config = textOf('docs/config.md')
      if (command.name() === 'train') texts.push(...columnOf(config, 1))
      if (command.name() === 'tune')
        for (const part of ['Settings', 'Data']) texts.push(...columnOf(sectionOf(config, part), 1))
      const flags = texts.flatMap((text) => Array.from(text.matchAll(/`(--[\w-]+)/g), ([, flag]) => flag))
      assert.deepEqual(
        [...new Set(flags)].toSorted(),
        command.options.map(({ long }) => long ?? '').toSorted(),
        command.name(),
      )
    }
  })

  test('tables of docs/config.md hold every key, no other, and the defaults of both presets', () => {
    const page = textOf('docs/config.md')
    const keys = Object.entries(TRAIN_OPTIONS).flatMap(([key, option]) =>
      'parts' in option ? Object.keys(option.parts).map((part) => `${key}.${part}`) : [key],
    )
    const rows = tableRows(page).filter(([key]) => key.startsWith('`'))
    assert.deepEqual(rows.map(([key]) => key.replaceAll('`', '')).toSorted(), keys.toSorted())

    const settings = tableRows(sectionOf(page, 'Settings')).filter(([key]) => key.startsWith('`'))
    const shown = (values: object) =>
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => [
          key,
          Array.isArray(value) ? value.join(', ') : String(value),
        ]),
      )
    for (const [i, name] of (['default', 'reference'] as const).entries())
      assert.deepEqual(
        Object.fromEntries(
          settings.map((cells) => [cells[0].replaceAll('`', ''), cells[3 + i].replaceAll('`', '')]),
        ),
        shown(PRESETS[name]),
      )
  })

  test('the table of docs/errors.md holds every code and no other', () => {
    const codes = Array.from(textOf('src/errors.ts').matchAll(/^ {2}\| '([A-Z_]+)'/gm), ([, code]) => code)
    assert.ok(codes.length > 5)
    assert.deepEqual(
      columnOf(sectionOf(textOf('docs/errors.md'), 'Codes'), 0)
        .filter((cell) => cell.startsWith('`'))
        .map((cell) => cell.replaceAll('`', '')),
      codes,
    )
  })

  const hasPython = spawnSync('python3', ['--version']).status === 0
  test('Python is Python', { skip: !hasPython && 'there is no python3' }, () => {
    const blocks = PAGES.flatMap((page) => fenced(page, 'python'))
    assert.ok(blocks.length > 10)
    const parse = 'import ast, json, sys\nfor block in json.load(sys.stdin): ast.parse(block)'
    const { status, stderr } = spawnSync('python3', ['-c', parse], {
      input: JSON.stringify(blocks),
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })

  test('the Python example writes the keys that the store reads', () => {
    const [python] = fenced('docs/serving.md', 'python')
    const keys = Array.from(python.matchAll(/"(nearrank:.+?)"/g), ([, key]) => key)
    const prefix = 'nearrank:'
    assert.deepEqual(keys, [
      keyOf(prefix, { side: 'users', id: 42 }),
      keyOf(prefix, { side: 'restaurants', id: 7 }),
      keyOf(prefix, { side: 'restaurants', id: 8 }),
    ])
  })

  test('each page of docs ends with a link to the next', () => {
    const linkIn = (page: string) => /^Next: \[[^\]]+\]\(([^)]+)\)\n$/m.exec(textOf(page))?.[1]
    for (const [i, page] of ['docs/README.md', ...IN_ORDER].entries())
      assert.equal(join('docs', linkIn(page) ?? ''), IN_ORDER[i] ?? 'ARCHITECTURE.md', page)
  })

  test('ARCHITECTURE.md names files that exist, and every folder of src', () => {
    const page = textOf('ARCHITECTURE.md')
    for (const [, file] of page.matchAll(/`([\w./]+\.ts)`/g))
      assert.ok(existsSync(join(ROOT, 'src', file)) || existsSync(join(ROOT, file)), file)
    const entries = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    for (const { name } of entries.filter((entry) => entry.isDirectory()))
      assert.ok(sectionOf(page, 'Source tree').includes(` ${name}/`), name)
  })

  test('links lead to files and headings that exist', () => {
    for (const page of [...PAGES, ...OTHER_PAGES])
      for (const [, link] of textOf(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
        const [path, anchor] = link.split('#')
        const file = path === '' ? page : join(dirname(page), path)
        assert.ok(existsSync(join(ROOT, file)), `${page}: ${link}`)
        if (anchor === undefined) continue
        const headings = Array.from(textOf(file).matchAll(/^#+ (.+)$/gm), ([, heading]) => heading)
        const anchors = headings.map((heading) =>
          heading
            .toLowerCase()
            .replaceAll(/[^\w -]/g, '')
            .replaceAll(' ', '-'),
        )
        assert.ok(anchors.includes(anchor), `${page}: ${link}`)
      }
  })
})

function testProgram() {
  return buildProgram('0', { interrupt: new Interrupt(), progress: new Progress(process.stderr) })
}

/** An app that keeps rows and models, and ranks nothing. */
function testApp() {
  return buildApp({ services: fakeServices(LAYOUT) })
}

function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}

function sectionOf(text: string, heading: string): string {
  return text.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? assert.fail(heading)
}

/** The cells of every line of every table, heads included. */
function tableRows(text: string): string[][] {
  return Array.from(text.matchAll(/^\| (.+) \|$/gm), ([, line]) => line.split(' | '))
}

function columnOf(text: string, column: number): string[] {
  return tableRows(text).map((cells) => cells[column] ?? '')
}
