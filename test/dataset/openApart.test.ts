import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callApart } from '../../src/dataset/apart/callApart.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { openRowsApart, openTablesApart } from '../../src/dataset/openApart.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { NearrankError } from '../../src/errors.ts'
import type { grow } from './growingProcess.ts'
import { smallData } from '../training/dataFixture.ts'

const HELD_BYTES = 256 * 2 ** 20

const { data, folder } = await smallData()

test('a process of its own packs the same as this one, tells its progress, and its memory counts', async () => {
  const stages = new Set<string>()
  const apart = {
    data,
    cache: join(folder, 'apart'),
    onProgress: ({ stage }: { stage: string }) => stages.add(stage),
  }
  const { tables, peakRssBytes } = await openTablesApart(apart)
  const opened = await openRowsApart(apart, tables, ['train', 'test'])
  const [rows, testRows] = opened.packs
  assert.deepEqual([rows.split, testRows.split, testRows.rows], ['train', 'test', 4000])
  await testRows.close()
  const here = { data, cache: join(folder, 'here') }
  const tablesHere = await openTables(here)
  const rowsHere = await openRows(here, tablesHere, 'train')
  assert.equal(tables.users.crc32, tablesHere.users.crc32)
  assert.deepEqual([rows.digest, rows.blocks, rows.files], [rowsHere.digest, rowsHere.blocks, rowsHere.files])
  assert.deepEqual([...stages].toSorted(), ['restaurants', 'test', 'train', 'users'])
  for (const peak of [peakRssBytes, opened.peakRssBytes]) assert.ok(peak > process.memoryUsage.rss())
  await rows.close()
  await rowsHere.close()
})

test('a peak is that of its own call, whatever an earlier one took', async () => {
  const options = { data, cache: join(folder, 'peak') }
  const held = new ArrayBuffer(HELD_BYTES)
  new Uint8Array(held).fill(1)
  const first = await openTablesApart(options)
  held.transfer(0) // gives the memory back at once
  const second = await openTablesApart(options)
  assert.ok(
    first.peakRssBytes - second.peakRssBytes > HELD_BYTES / 2,
    `${first.peakRssBytes}, then ${second.peakRssBytes} bytes`,
  )
})

test('its errors arrive whole, with their code', async () => {
  const damaged = join(folder, 'damaged')
  await cp(data, damaged, { recursive: true })
  const { tables } = await openTablesApart({ data: damaged })
  await truncate(join(damaged, 'train', 'train_02.parquet'), 1000)
  await assert.rejects(openRowsApart({ data: damaged }, tables, ['train']), (error: unknown) => {
    assert.ok(error instanceof NearrankError)
    assert.equal(error.code, 'INPUT')
    assert.match(error.message, /train_02\.parquet/)
    return true
  })
})

test('aborted, it cleans up behind itself', async () => {
  const controller = new AbortController()
  const cache = join(folder, 'aborted')
  const options = { data, cache, signal: controller.signal, onProgress: () => controller.abort() }
  await assert.rejects(
    openTablesApart(options),
    (error: unknown) => error instanceof NearrankError && error.code === 'ABORTED',
  )
  assert.deepEqual(await readdir(cache), [])
})

const noProc = existsSync('/proc/self/cmdline') ? false : 'needs /proc to see other processes'
test('the process that packed the tables packs the rows, or ends soon', { skip: noProc }, async () => {
  const again = join(folder, 'again')
  await cp(data, again, { recursive: true })
  const { tables } = await openTablesApart({ data: again })
  const [pid] = packing(again)
  assert.ok(pid, 'kept for a moment')
  const seen = new Set<string>()
  const onProgress = () => {
    for (const one of packing(again)) seen.add(one)
  }
  const { packs } = await openRowsApart({ data: again, onProgress }, tables, ['train'])
  assert.deepEqual([...seen], [pid])
  assert.deepEqual(packing(again), [], 'gone with what it had in memory')
  for (const pack of packs) await pack.close()
  await openTablesApart({ data: again, cache: join(folder, 'elsewhere') })
  assert.equal(packing(again).length, 1)
  await until(() => packing(again).length === 0)
})

test('at the moment it is let go, another one is asked', async () => {
  const late = join(folder, 'late')
  await cp(data, late, { recursive: true })
  const { tables } = await openTablesApart({ data: late })
  await sleep(1000) // just behind the timer that lets it go
  const { packs } = await openRowsApart({ data: late }, tables, ['train'])
  for (const pack of packs) await pack.close()
})

test('a process is kept unless it has grown', async () => {
  const module = new URL('./growingProcess', import.meta.url)
  const call = (megabytes: number) =>
    callApart<typeof grow>({
      module,
      request: { megabytes },
      action: 'inspect',
      data: folder,
      isKept: true,
      signal: undefined,
      onProgress: undefined,
    })
  const pids: number[] = []
  for (const megabytes of [1, 300, 1]) pids.push((await call(megabytes)).result)
  assert.equal(pids[0], pids[1])
  assert.notEqual(pids[1], pids[2])
})

test('a process that has died meanwhile is missed by nobody', { skip: noProc }, async () => {
  const killed = join(folder, 'killed')
  await cp(data, killed, { recursive: true })
  const { tables } = await openTablesApart({ data: killed })
  process.kill(Number(packing(killed)[0]), 'SIGKILL')
  await until(() => packing(killed).length === 0)
  await sleep(50) // until this process has heard of it
  const { packs } = await openRowsApart({ data: killed }, tables, ['train'])
  for (const pack of packs) await pack.close()
})

test('it does not outlive the one that asked', { skip: noProc }, async () => {
  const module = new URL('../../src/dataset/openApart.ts', import.meta.url).href
  const script = join(folder, 'ask.mjs')
  await writeFile(
    script,
    `import { openTablesApart } from '${module}'\nawait openTablesApart({ data: ${JSON.stringify(data)} })\nsetTimeout(() => {}, 60_000)\n`,
  )
  const asker = spawn(process.execPath, [script], { stdio: 'ignore' })
  await until(() => packing(data).length > 0)
  asker.kill('SIGKILL')
  await until(() => packing(data).length === 0)
})

/** The processes that pack this folder. */
function packing(given: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return text.includes('packProcess') && text.includes(`${given}\0`)
    } catch {
      return false // no process, or it has just ended
    }
  })
}

async function until(isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 2) {
    if (isSo()) return
    await sleep(2)
  }
  assert.fail('waited 20 s')
}
