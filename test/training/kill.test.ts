import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Random } from '../../src/random.ts'
import { smallData } from './dataFixture.ts'

const { data, folder } = await smallData()
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const KILLS = 5

/** Starts a training; resolves to its exit code, or to 'killed'. */
function start(out: string, ...more: string[]) {
  const settings =
    '--hidden 64,32 --batch-size 32 --epochs 15 --validation 0.05 --keep best --checkpoint-seconds 0.01'
  const args = [MAIN, 'train', '--data', data, '--out', join(folder, out), ...settings.split(' '), ...more]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.on('data', (piece: Buffer) => (text += piece.toString()))
  const ended = new Promise<number | 'killed'>((resolve) => {
    child.on('close', (code, signal) => resolve(signal === 'SIGKILL' ? 'killed' : code!))
  })
  return { child, ended, said: () => text }
}

test(`killed with SIGKILL ${KILLS} times and resumed, a run ends in the same bytes as one never killed`, async () => {
  const startedMs = performance.now()
  const whole = start('whole')
  assert.equal(await whole.ended, 0, whole.said())
  const wholeMs = performance.now() - startedMs

  const random = new Random(Date.now())
  const checkpoint = join(folder, 'killed.checkpoint')
  let resumedInMidRun = 0
  for (let kill = 0; kill < KILLS; kill++) {
    if (existsSync(checkpoint)) resumedInMidRun++
    const run = start('killed', '--resume', '--threads', String(1 + (kill % 2)))
    // The first is killed soon after its first checkpoint, the others whenever it comes, in start-up too.
    if (kill === 0) while (!existsSync(checkpoint) && run.child.exitCode === null) await sleep(2)
    else await sleep(random.below(Math.ceil(wholeMs)))
    run.child.kill('SIGKILL')
    await run.ended
  }
  assert.ok(resumedInMidRun > 0, 'at least one run must have gone on from a checkpoint')

  const last = start('killed', '--resume')
  assert.equal(await last.ended, 0, last.said())
  const weights = (name: string) => readFile(join(folder, name, 'weights.safetensors'))
  assert.deepEqual(await weights('killed'), await weights('whole'))
  assert.ok(!existsSync(checkpoint))
})
