import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../src/random.ts'
import { readCheckpoint } from '../../src/training/run/checkpoint.ts'
import { smallData } from './dataFixture.ts'
import { trainProcess } from './trainProcess.ts'

const { data, folder } = await smallData({ rows: 30_000, files: 2 })
const KILLS = 5

function start(out: string, ...more: string[]) {
  const settings =
    '--hidden 64,32 --batch-size 16 --epochs 4 --validation 0.05 --keep best --checkpoint-seconds 0.01'
  return trainProcess(['--data', data, '--out', join(folder, out), ...settings.split(' '), ...more])
}

for (const order of ['--shuffle', '--no-shuffle'])
  test(`killed with SIGKILL ${KILLS} times and resumed, a run ends in the same bytes as one never killed (${order})`, async () => {
    const startedMs = performance.now()
    const whole = start('whole', order, '--threads', '1')
    assert.equal(await whole.ended, 0, whole.said())
    const wholeMs = performance.now() - startedMs

    const seed = Date.now()
    const random = new Random(seed)
    const checkpoint = join(folder, 'killed.checkpoint')
    let resumedInMidEpoch = 0
    for (let kill = 0; kill < KILLS; kill++) {
      if (await isInMidEpoch(checkpoint)) resumedInMidEpoch++
      const run = start('killed', order, '--resume', '--threads', String(1 + (kill % 2)))
      // Until one has been killed in mid-epoch, each gets as far as a checkpoint there; then it comes at any time, in start-up too.
      if (resumedInMidEpoch > 0) await sleep(random.below(Math.ceil(wholeMs)))
      else while (!(await isInMidEpoch(checkpoint)) && run.child.exitCode === null) await sleep(10)
      run.child.kill('SIGKILL')
      await run.ended
    }
    assert.ok(resumedInMidEpoch > 0, `one run must have gone on from the middle of an epoch (seed ${seed})`)

    const last = start('killed', order, '--resume')
    assert.equal(await last.ended, 0, last.said())
    const weights = (name: string) => readFile(join(folder, name, 'weights.safetensors'))
    assert.deepEqual(await weights('killed'), await weights('whole'), `seed ${seed}`)
    for (const left of [checkpoint, `${checkpoint}.previous`]) assert.ok(!existsSync(left))
  })

async function isInMidEpoch(checkpoint: string): Promise<boolean> {
  const found = await readCheckpoint(checkpoint)
  return (found?.state.rowsDone ?? 0) > 0
}
