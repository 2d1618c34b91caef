import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { tune } from '../../src/index.ts'
import type { TuneTrial } from '../../src/training/tune/tuneFolder.ts'
import { smallData } from './dataFixture.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const OPTIONS = { trials: 12, epochs: 4, validation: 0.1, hidden: [16], activations: ['relu' as const] }
const FLAGS = '--trials 12 --epochs 4 --validation 0.1 --hidden 16 --activations relu'.split(' ')

test('killed again and again, a search loses the training it was in and nothing else', async () => {
  const { data, folder } = await smallData({ rows: 10_000, testRows: 100, files: 1 })
  const [whole, killed] = ['whole', 'killed'].map((name) => join(folder, name))
  await tune({ ...OPTIONS, data, out: whole, threads: 1 })
  const all = endedIn(whole)
  let seen = 0
  let kills = 0
  for (const signal of ['SIGKILL', 'SIGKILL', 'SIGINT'] as const) {
    const args = [MAIN, 'tune', '--data', data, '--out', killed, ...FLAGS]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
    const ended = new Promise((resolve) => child.on('close', resolve))
    while (endedIn(killed) < seen + 2 && child.exitCode === null) await sleep(1)
    child.kill(signal)
    const code = await ended
    if (signal === 'SIGINT') {
      assert.equal(code, 130, said)
      assert.match(said, /Stopped tuning in .*killed: what has been trained is kept/)
    }
    assert.ok(endedIn(killed) >= seen + 2 && endedIn(killed) < all, `${endedIn(killed)} of ${all}`)
    assert.ok(!existsSync(join(killed, 'best.json')))
    seen = endedIn(killed)
    kills++
  }
  assert.equal(kills, 3)
  const { skipped } = await tune({ ...OPTIONS, data, out: killed, threads: 2 })
  assert.equal(skipped, seen)
  const files = ['best.json', 'tune.json']
  for (const name of files)
    assert.equal(await withoutSeconds(join(killed, name)), await withoutSeconds(join(whole, name)), name)
  assert.deepEqual((await readdir(killed)).toSorted(), files, 'nothing is left of what was killed')
})

/** How many trainings the search in `out` has ended. */
function endedIn(out: string): number {
  const path = join(out, 'tune.json')
  if (!existsSync(path)) return 0
  const { trials } = JSON.parse(readFileSync(path, 'utf8')) as { trials: TuneTrial[] }
  return trials.reduce((sum, { rungs }) => sum + rungs.length, 0)
}

async function withoutSeconds(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replaceAll(/"seconds": [\d.e-]+/g, '')
}
