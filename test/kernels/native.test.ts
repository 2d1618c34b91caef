import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { chooseNative, findNative } from '../../src/kernels/native.ts'
import { train } from '../../src/index.ts'
import { smallData } from '../training/dataFixture.ts'

const MODULE = new URL('../../src/kernels/native.ts', import.meta.url).href
const { family, problem, isWrong } = findNative()
const skip = family === null && `no native kernels run here: ${problem}`
const report = (message: string) => assert.fail(message)

/** What a process of its own prints: the family, or the error that asking for native kernels gives. */
function ask(...flags: string[]) {
  const code = `
    import { chooseNative } from ${JSON.stringify(MODULE)}
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

test('where foreign functions are not allowed, auto goes without them, and native says what is missing', {
  skip,
}, () => {
  const { lines, stderr } = ask('--permission', '--allow-fs-read=*')
  assert.match(lines[0], /^INPUT Cannot use native kernels: .*\. --kernels auto goes without them$/)
  assert.equal(lines[1], 'null null')
  assert.equal(stderr, '')
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
