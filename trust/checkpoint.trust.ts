import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NearrankError } from '../src/errors.ts'
import { readCheckpoint } from '../src/training/run/checkpoint.ts'
import { smallData } from '../test/training/dataFixture.ts'
import { trainProcess } from '../test/training/trainProcess.ts'
import { counted, trust } from './trust.ts'

const SETTINGS = '--hidden 4 --batch-size 16 --epochs 50 --checkpoint-seconds 0.05'

trust(
  'A damaged checkpoint is refused: no torn file and no flipped bit is ever trained on',
  { small: 1_000, night: 10_000 },
  async ({ random, amount, isNight }) => {
    const { data, folder } = await smallData({ rows: 5_000, files: 1 })
    const run = trainProcess(['--data', data, '--out', join(folder, 'model'), ...SETTINGS.split(' ')])
    const path = join(folder, 'model.checkpoint')
    const read = () => readCheckpoint(path)
    while ((await read()) === undefined) assert.equal(run.child.exitCode, null, run.said())
    run.child.kill('SIGKILL')
    assert.equal(await run.ended, 'killed', run.said())
    const bytes = await readFile(path)
    const whole = await read()
    assert.ok(whole)

    const refused = async (damaged: Uint8Array, how: string) => {
      await writeFile(path, damaged)
      await assert.rejects(
        read(),
        (error) => error instanceof NearrankError && ['DAMAGED', 'INPUT'].includes(error.code),
        how,
      )
    }
    const lengths = isNight ? bytes.length : 500 // at night every one
    for (let i = 0; i < lengths; i++) {
      const length = isNight ? i : random.below(bytes.length)
      await refused(bytes.subarray(0, length), `torn after ${length} of ${bytes.length} bytes`)
    }
    for (let flip = 0; flip < amount; flip++) {
      const bit = random.below(8 * bytes.length)
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3] ^= 1 << (bit & 7)
      await refused(damaged, `bit ${bit} flipped`)
    }
    await writeFile(path, bytes)
    assert.deepEqual((await read())?.state, whole.state)
    return `${counted(lengths)} torn lengths and ${counted(amount)} flipped bits of a checkpoint of ${counted(bytes.length)} bytes: all refused`
  },
)
