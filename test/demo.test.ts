import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseAddress } from '../src/console/address.ts'
import { parseState } from '../src/console/explore/exploreState.ts'
import { parseRows } from '../src/console/rows/rowsState.ts'
import { temporaryFolder } from './training/dataFixture.ts'

const DEMO = join(import.meta.dirname, '../scripts/demo.ts')

/** The demo in a process of its own: its output, of which a busy machine may spoil the last table. */
async function demo(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [DEMO, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number]
  return { code, stdout, stderr }
}

describe('npm run demo', async () => {
  const folder = await temporaryFolder()
  const few = ['--rows', '5000', '--out']
  const realistic = demo(...few, join(folder, 'realistic'))
  // One after the other: their load tests would disturb each other.
  const reference = realistic.then(() => demo(...few, join(folder, 'reference'), '--kind', 'reference'))
  const runs = new Map([
    ['realistic', realistic],
    ['reference', reference],
  ])

  for (const [kind, commands] of [
    ['realistic', ['generate', 'inspect', 'train', 'evaluate', 'recommend', 'serve', 'loadtest']],
    ['reference', ['generate', 'train', 'evaluate', 'recommend', 'serve', 'loadtest']],
  ] as const)
    test(`--kind ${kind} goes the whole way`, async () => {
      const { code, stdout, stderr } = (await runs.get(kind)) ?? assert.fail()
      const shown = Array.from(stdout.matchAll(/^\$ npx nearrank (\w+) /gm), ([, command]) => command)
      assert.deepEqual(shown.slice(0, commands.length), commands, stderr)
      assert.match(stdout, /^accuracy +0\.\d{4} +0\.\d{4} +0\.\d{4}\n/m)
      assert.match(stdout, /^5 +\d+ +0\.\d{4} +[\d,]+ m\n/m, 'a ranked list')
      const [, before, after] = /^before {2}(.+)\nafter {3}(.+)$/m.exec(stdout) ?? assert.fail(stdout)
      assert.notEqual(before, after)
      assert.match(stdout, /^30\/s for 10\.0 s: \d+ ok, 0 failed$/m)
      if (code !== 0) assert.match(stderr, /Limits missed: (p95|rate): [^;]*(; rate: [^;]*)?\n$/)
    })

  test('real tables: what columns become, ceilings, a context in the request, an update by name', async () => {
    const { stdout } = (await runs.get('realistic')) ?? assert.fail()
    assert.match(stdout, /^user\.liked_cuisines +VARCHAR\[\] +\d[\d.]* % +categories$/m)
    assert.match(stdout, /^click\.companion +VARCHAR +\d[\d.]* % +category, if named$/m)
    assert.match(stdout, /^AUC +0\.\d{4} +0\.\d{4}$/m)
    const bodies = Array.from(stdout.matchAll(/^ {4}-d '(.*)'$/gm), ([, body]) => JSON.parse(body) as object)
    assert.equal(bodies.length, 3)
    const [first, update, second] = bodies as {
      context?: Record<string, string>
      features?: Record<string, unknown>
    }[]
    assert.deepEqual(Object.keys(first.context ?? {}), ['time', 'device', 'companion'])
    assert.deepEqual(second, first)
    assert.ok(Array.isArray(update.features?.liked_cuisines))
  })

  test('prints addresses of the console: on a map, at noon and at night, to change a taste', async () => {
    const { stdout } = (await runs.get('realistic')) ?? assert.fail()
    const [map, times, rows] = Array.from(
      stdout.matchAll(/^ {2}http:\/\/127\.0\.0\.1:\d+\/(#\S+)$/gm),
      ([, hash]) => parseAddress(hash),
    )
    const { first, latitude, second } = parseState(map.params)
    assert.deepEqual([map.view, second], ['explore', null])
    assert.ok(latitude !== null && first.user !== '')
    const both = parseState(times.params)
    assert.deepEqual([both.first, both.latitude], [first, latitude])
    const [noon] = first.context.time
    assert.match(noon, /^2\d{3}-\d\d-\d\dT12:30$/)
    const night = { ...first.context, time: [noon.replace('12:30', '22:30')] }
    assert.deepEqual(both.second, { user: first.user, context: night })
    assert.deepEqual(
      [rows.view, parseRows(rows.params).side, parseRows(rows.params).id],
      ['rows', 'users', first.user],
    )
  })

  test('in a terminal it serves until Ctrl+C', {
    skip: process.platform !== 'linux' && 'script(1) is another here',
  }, async () => {
    await Promise.all(runs.values())
    // exec: a shell that stays in between would end by Ctrl+C too, whatever the demo does.
    const command = `exec ${process.execPath} ${DEMO} --rows 5000 --no-open --out ${join(folder, 'terminal')}`
    const child = spawn('script', ['-qfec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    let shown = ''
    const isServing = new Promise<void>((resolve, reject) => {
      child.on('close', () => reject(new Error(shown)))
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text
        if (shown.includes('until you press Ctrl+C')) resolve()
      })
    })
    await isServing
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(shown) ?? assert.fail(shown)
    const page = await fetch(url)
    assert.match(page.headers.get('content-type') ?? '', /text\/html/)
    child.stdin.write('\x03')
    const [code] = (await once(child, 'close')) as [number]
    assert.equal(code, 0, shown)
  })

  test('refuses what it does not know', async () => {
    for (const [args, message] of [
      [['--kind', 'other'], /^demo: --kind must be realistic or reference, found other\n$/],
      [['--rows', 'many'], /^demo: --rows must be an integer from 1000, found many\n$/],
    ] as const) {
      const { code, stdout, stderr } = await demo(...args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, message)
    }
  })
})
