import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { chooseNative, findNative } from '../../src/kernels/chooseNative.ts'
import { compileForRun } from '../../src/kernels/compileForRun.ts'
import { nativeFile } from '../../src/kernels/native.ts'
import { train } from '../../src/index.ts'
import { smallData } from '../training/dataFixture.ts'

const ROOT = join(import.meta.dirname, '../..')
const { family, problem, isWrong } = findNative()
const skip = family === null && `no native kernels run here: ${problem}`
const report = (message: string) => assert.fail(message)

/** The root of a copy of the kernels, which a test may damage. */
async function copyOfKernels(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'nearrank-native-'))
  t.after(() => rm(root, { recursive: true }))
  for (const part of ['package.json', 'src/errors.ts', 'src/random.ts', 'src/kernels', 'wasm'])
    await cp(join(ROOT, part), join(root, part), { recursive: true })
  return root
}

/** What a process of its own prints: the family, or the error that asking for native kernels gives. */
function ask(flags: string[] = [], root = ROOT) {
  const module = pathToFileURL(join(root, 'src/kernels/chooseNative.ts')).href
  const code = `
    import { chooseNative } from ${JSON.stringify(module)}
    try { console.log(chooseNative('native', console.error)) } catch (error) { console.log(error.code, error.message) }
    console.log(chooseNative('auto', console.error), chooseNative('wasm', console.error))`
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', code], {
    encoding: 'utf8',
  })
  return { lines: stdout.trimEnd().split('\n'), stderr }
}

test('native kernels that were compiled here compute what they must', () => {
  assert.ok(!isWrong, problem)
})

test('native kernels are chosen where they run, without a word', { skip }, () => {
  assert.equal(chooseNative('auto', report), family)
  assert.equal(chooseNative('native', report), family)
  assert.equal(chooseNative('wasm', report), null)
  const { lines, stderr } = ask()
  assert.deepEqual(lines, [family, `${family} null`])
  assert.equal(stderr, '')
})

test('with native kernels auto leaves the 256-bit operations of V8 off; on still means on', { skip }, () => {
  const compiled = (turbo: 'auto' | 'on') =>
    compileForRun('relaxed', { turbo, kernels: 'auto', rows: 1e9, report })
  assert.deepEqual([compiled('auto').turbo, compiled('on').turbo], [false, true])
})

test('where addons are not allowed, auto goes without them, and native says what is missing', {
  skip,
}, () => {
  const { lines, stderr } = ask(['--permission', '--allow-fs-read=*'])
  assert.match(
    lines[0],
    /^INPUT Cannot use native kernels: Node may not load addons here; --allow-addons lets it\. --kernels auto/,
  )
  assert.equal(lines[1], 'null null')
  assert.equal(stderr, '')
})

test('the library needs no other one, so any libc will do', {
  skip: skip || (process.platform !== 'linux' && 'elsewhere every library is linked with the system’s'),
}, async () => {
  assert.ok(!(await readFile(nativeFile())).includes('.so'))
})

test('where they were not compiled, or are damaged, auto goes without them, and native says why', {
  skip,
}, async (t) => {
  const root = await copyOfKernels(t)
  const library = join(root, relative(ROOT, nativeFile()))
  await writeFile(library, 'no library')
  const damaged = ask([], root)
  assert.match(damaged.lines[0], /^INPUT Cannot use native kernels: .*(file too short|invalid|not a mach-o)/)
  assert.equal(damaged.lines[1], 'null null')
  const whole = await readFile(nativeFile())
  for (const length of [whole.length - 1, whole.length >> 1, 4096, 100]) {
    await writeFile(library, whole.subarray(0, length))
    const short = ask([], root)
    assert.match(
      short.lines[0],
      process.platform === 'linux'
        ? /is cut short: wanted \d+ bytes, found \d+; npm run build/
        : /Cannot use native/,
    )
    assert.equal(short.lines[1], 'null null')
    assert.equal(short.stderr, '')
  }
  await rm(library)
  const missing = ask([], root)
  assert.equal(
    missing.lines[0],
    `INPUT Cannot use native kernels: there is no ${library}; npm run build makes it on a machine with a C compiler. --kernels auto goes without them`,
  )
  assert.equal(missing.lines[1], 'null null')
  assert.equal(damaged.stderr + missing.stderr, '')
})

test('kernels that are right but for the last bits are not taken, and the report says so', {
  skip,
}, async (t) => {
  const root = await copyOfKernels(t)
  const file = join(root, 'src/kernels/native.ts')
  const text = await readFile(file, 'utf8')
  const rounded = text.replace('q[10] = epsilon;', 'q[10] = epsilon * (1 + 1e-5);')
  assert.notEqual(rounded, text)
  await writeFile(file, rounded)
  const { lines, stderr } = ask([], root)
  const failed = 'they fail the self-check'
  assert.equal(lines[0], `INPUT Cannot use native kernels: ${failed}. --kernels auto goes without them`)
  assert.equal(lines[1], 'null null')
  assert.equal(stderr.trimEnd(), `Native kernels: ${failed}: continuing without them`)
})

test('a thread may end while V8 optimizes what calls native kernels', { skip }, () => {
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'endingThread.ts')],
    { encoding: 'utf8' },
  )
  assert.deepEqual([status, signal, stderr], [0, null, ''])
})

test('a training gives the same weights with native kernels as with WebAssembly', { skip }, async () => {
  const { data, folder } = await smallData({ rows: 9_000, files: 2 })
  const weights: Buffer[] = []
  for (const kernels of ['native', 'wasm'] as const) {
    const out = join(folder, kernels)
    const result = await train({ data, out, kernels, hidden: [37, 21], batchSize: 100, threads: 2 })
    assert.equal(result.native, kernels === 'native' ? family : null)
    assert.match(
      await readFile(join(out, 'report.md'), 'utf8'),
      kernels === 'native' ? /\| kernels \| native, \w+ \|/ : /\| kernels \| WebAssembly, relaxed \|/,
    )
    weights.push(await readFile(join(out, 'weights.safetensors')))
  }
  assert.ok(weights[0].equals(weights[1]))
})
