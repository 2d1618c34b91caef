import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { smallData } from '../test/training/dataFixture.ts'
import { trainProcess } from '../test/training/trainProcess.ts'
import { counted, trust } from './trust.ts'

const SETTINGS =
  '--hidden 64,32 --batch-size 32 --epochs 6 --validation 0.05 --checkpoint-seconds 0.01 --resume'

trust(
  'A training that is killed at any point goes on where it was, to the same bytes as one never killed',
  { small: 8, night: 100 },
  async ({ random, amount }) => {
    const { data, folder } = await smallData({ rows: 30_000, files: 2 })
    const start = (out: string, threads: number) =>
      trainProcess([
        '--data',
        data,
        '--out',
        join(folder, out),
        '--threads',
        `${threads}`,
        ...SETTINGS.split(' '),
      ])
    const finish = async (out: string, threads: number) => {
      const run = start(out, threads)
      assert.equal(await run.ended, 0, run.said())
      resumed += isResumed(run) ? 1 : 0
      return createHash('sha256')
        .update(await readFile(join(folder, out, 'weights.safetensors')))
        .digest('hex')
    }
    const isResumed = (run: ReturnType<typeof start>) => /resumed at step [1-9]/.test(run.said())
    let resumed = 0 // trainings, killed again or not
    const whole = await finish('whole', 1)
    const startedMs = performance.now()
    assert.equal(await finish('again', 2), whole)
    const wholeMs = performance.now() - startedMs

    let kills = 0
    let finished = 0
    for (; kills < amount; finished++) {
      // Up to four kills a run: a run that is always killed within its first seconds never ends.
      for (let k = 0; k < 4 && kills < amount; k++) {
        const run = start('killed', 1 + random.below(3))
        await sleep(random.below(Math.ceil(wholeMs)))
        run.child.kill('SIGKILL')
        const ended = await run.ended
        resumed += isResumed(run) ? 1 : 0
        if (ended !== 'killed') break
        kills++
      }
      assert.equal(await finish('killed', 1 + random.below(3)), whole, `after ${kills} kills`)
      assert.deepEqual(
        (await readdir(folder)).filter((name) => /checkpoint|\.new-/.test(name)),
        [],
      )
      await rm(join(folder, 'killed'), { recursive: true })
    }
    assert.ok(resumed > 0, `none of ${kills + finished} trainings went on from a checkpoint`)
    return `${counted(kills)} SIGKILLs at random times, ${counted(finished)} trainings brought to their end with 1 to 3 threads, ${counted(resumed)} times from a checkpoint: all weights have one SHA-256`
  },
)
