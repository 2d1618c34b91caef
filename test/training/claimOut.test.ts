import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { NearrankError } from '../../src/errors.ts'
import { siblingPath } from '../../src/files.ts'
import { claimOut } from '../../src/claimOut.ts'
import { score } from '../../src/training/score.ts'
import { train } from '../../src/training/train.ts'
import { tune } from '../../src/training/tune.ts'
import type { TrainEvent } from '../../src/training/types.ts'
import { smallData, temporaryFolder } from './dataFixture.ts'

const CLAIM = new URL('../../src/claimOut.ts', import.meta.url)
const isTaken = (error: unknown) =>
  error instanceof NearrankError &&
  error.code === 'CONFLICT' &&
  /another run writes there.*delete \S+\.model\.run-/.test(error.message)

test('a second training into a place is refused while one runs, and disturbs nothing', async () => {
  const { data, folder } = await smallData()
  const out = join(folder, 'made', 'model')
  const settings = { data, out, hidden: [8], batchSize: 64, epochs: 2, threads: 1 }
  let second: Promise<void> | undefined
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => {
    if (event.type === 'note') notes.push(event.message)
    if (event.type === 'start') second = assert.rejects(train(settings), isTaken)
  }
  const { steps } = await train({ ...settings, resume: true, onProgress })
  assert.ok(steps > 0 && second)
  await second
  assert.deepEqual(await readdir(dirname(out)), ['model'])
  const beginning = `Starting from the beginning: there is no checkpoint ${out}.checkpoint to resume from`
  assert.equal(notes.filter((note) => note === beginning).length, 1, notes.join('\n'))
  await train(settings)
  // What fails leaves no folder that it has made.
  await assert.rejects(
    train({ ...settings, data: join(folder, 'none'), out: join(folder, 'a', 'b', 'model') }),
  )
  assert.ok(!existsSync(join(folder, 'a')))
})

test('a claim of a process that was killed, or had this process’s number before it, counts for nothing', async () => {
  const out = join(await temporaryFolder(), 'model')
  const kill = `
    const { claimOut } = await import(${JSON.stringify(CLAIM.href)})
    await claimOut(${JSON.stringify(out)})
    process.kill(process.pid, 'SIGKILL')`
  spawnSync(process.execPath, ['--input-type=module', '--eval', kill], { stdio: 'inherit' })
  await writeFile(siblingPath(out, 'run'), '')
  assert.equal((await readdir(dirname(out))).length, 2)
  const release = await claimOut(out)
  const [claim, ...others] = await readdir(dirname(out))
  assert.deepEqual(others, [])
  await assert.rejects(claimOut(out), isTaken)
  // Of another machine, whose processes nobody can ask.
  const theirs = join(dirname(out), claim.replace(/run-[0-9a-f]{8}/, 'run-00000000'))
  assert.notEqual(basename(theirs), claim)
  await release()
  await writeFile(theirs, '')
  await assert.rejects(claimOut(out), isTaken)
  assert.deepEqual(await readdir(dirname(out)), [basename(theirs)])
})

test('so are a second search in a folder, and a second run that scores into one', async () => {
  const { data, folder } = await smallData()
  const settings = { data, hidden: [8], batchSize: 64, epochs: 1, threads: 1 }
  const out = join(folder, 'tuned')
  const seconds: Promise<void>[] = []
  const refused = (run: Promise<unknown>, shares: RegExp) =>
    seconds.push(
      assert.rejects(run, (error: unknown) => {
        assert.ok(error instanceof NearrankError)
        assert.equal(error.code, 'CONFLICT')
        assert.match(error.message, shares)
        return true
      }),
    )
  const search = { ...settings, out, trials: 2, validation: 0.1 }
  const onTuned = () => {
    if (seconds.length === 0) refused(tune(search), /^Cannot tune in .*both would keep their trials/)
  }
  await tune({ ...search, onProgress: onTuned })
  const model = join(folder, 'scoring')
  await train({ ...settings, out: model })
  const scoring = { data, model, out: join(folder, 'scores'), files: 'train/*.parquet', threads: 1 }
  const onScored = ({ type }: { type: string }) => {
    if (seconds.length === 1 && type === 'score') refused(score(scoring), /^Cannot score into .*same files/)
  }
  await score({ ...scoring, onProgress: onScored })
  assert.equal(seconds.length, 2)
  await Promise.all(seconds)
  const left = (await readdir(folder)).filter((name) => name.startsWith('.'))
  assert.deepEqual(left, [])
})
