import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { score, train } from '../../src/index.ts'
import { smallData } from './dataFixture.ts'

const FILES = 12
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('killed with SIGKILL again and again, a run continues file by file to the same bytes', async () => {
  const { data, folder } = await smallData({ testRows: 480_000, testFiles: FILES })
  const [model, whole, killed] = ['model', 'whole', 'killed'].map((name) => join(folder, name))
  await train({ data, out: model, epochs: 1, hidden: [4], checkpointSeconds: 0, threads: 1 })
  await score({ data, model, out: whole, threads: 1 })
  const args = [MAIN, 'score', '--data', data, '--model', model, '--out', killed, '--threads', '1']
  const complete = async () =>
    existsSync(killed) ? (await readdir(killed)).filter((name) => name.startsWith('test_')).length : 0
  let kills = 0
  for (let seen = 0; seen < FILES - 2; kills++) {
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.on('close', resolve))
    while ((await complete()) < seen + 3 && child.exitCode === null) await sleep(1)
    child.kill('SIGKILL')
    await ended
    assert.ok((await complete()) > seen, 'a killed run leaves what it has completed')
    seen = await complete()
  }
  assert.ok(kills >= 2, `${kills} runs`)
  const { skipped, rows, files } = await score({ data, model, out: killed, threads: 1 })
  assert.ok(skipped >= FILES - 3, `${skipped} skipped`)
  assert.deepEqual([rows, files], [480_000, FILES])
  const names = (await readdir(whole)).filter((name) => name.endsWith('.parquet'))
  assert.equal(names.length, FILES)
  for (const name of names)
    assert.deepEqual(await readFile(join(killed, name)), await readFile(join(whole, name)), name)
  const listed = async (out: string) =>
    JSON.parse(await readFile(join(out, 'scores.json'), 'utf8')) as unknown
  assert.deepEqual(await listed(killed), await listed(whole))
  assert.deepEqual(
    (await readdir(killed)).filter((name) => name.startsWith('.test_')),
    [],
    'nothing is left of what was not completed',
  )
})
