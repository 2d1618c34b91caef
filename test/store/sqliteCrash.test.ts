import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { FeatureId } from '../../src/ids.ts'
import { backUpSqlite } from '../../src/store/sqlite/backup.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { put } from './changes.ts'
import { isError } from './conformance.ts'
import { CRASH_LAYOUT, CRASH_WRITERS } from './crashLayout.ts'
import { type Row, startCopy } from './storeCopy.ts'

const CHILD = fileURLToPath(new URL('writeUntilKilled.ts', import.meta.url))

/** Starts a writer, kills it as soon as it has told of `acknowledged` writes, and returns the first ids of all it told of. */
async function writeAndKill(
  path: string,
  { round, rows, acknowledged }: { round: number; rows: number; acknowledged: number },
): Promise<number[]> {
  const child = spawn(process.execPath, [CHILD, path, String(round), String(rows)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > acknowledged) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  assert.equal(signal, 'SIGKILL')
  // A number is whole when its line has ended.
  return said.slice(0, said.lastIndexOf('\n')).split('\n').map(Number)
}

function valuesOf({ bits }: Row): number[] {
  return [...new Float32Array(Uint32Array.from(bits).buffer)]
}

test('killed under write load, again and again: every acknowledged write is there, and every row is whole', async () => {
  const path = join(await temporaryFolder(), 's.db')
  const roundOf = new Map<FeatureId, number>()
  for (let round = 1; round <= 6; round++) {
    const told = await writeAndKill(path, { round, rows: 3, acknowledged: 40 * round })
    assert.ok(told.length >= 40 * round)
    for (const first of told) for (let k = 0; k < 3; k++) roundOf.set(first + k, round)

    const store = await openSqliteStore(path, CRASH_LAYOUT)
    const { rows, problems } = await startCopy(store)
    assert.deepEqual(problems, [])
    assert.ok(rows.users.size >= roundOf.size)
    for (const [id, atLeast] of roundOf) {
      const row = rows.users.get(id)
      assert.ok(row, `row ${id} is there`)
      const [a, written, b] = valuesOf(row)
      assert.ok(a === id && b === id, `row ${id} is whole`)
      assert.ok(written >= atLeast, `row ${id} is of round ${written}, ${atLeast} was acknowledged`)
    }
    // What was not acknowledged may be there too; it comes in whole writes.
    for (const row of rows.users.values()) {
      const [, written] = valuesOf(row)
      const first = Number(row.id) - (Number(row.id) % 3)
      for (let k = 0; k < 3; k++) assert.equal(valuesOf(rows.users.get(first + k)!)[1], written)
    }
    assert.equal((await store.count()).users, rows.users.size)
    await store.close()
  }
})

test('a large log that a killed process left behind is read', async () => {
  const path = join(await temporaryFolder(), 's.db')
  const told = await writeAndKill(path, { round: 1, rows: 60_000, acknowledged: 1 })
  assert.ok((await stat(`${path}-wal`)).size > 1e6, 'there is a large log')
  const backup = await backUpSqlite(path, `${path}.backup`)
  const store = await openSqliteStore(path, CRASH_LAYOUT)
  assert.ok((await store.count()).users >= 60_000)
  const { rows } = await startCopy(store)
  for (const first of told)
    for (let id = first; id < first + 60_000; id++) {
      const row = rows.users.get(id)
      assert.ok(row && valuesOf(row)[2] === id)
    }
  assert.equal((await store.count()).users, rows.users.size)
  assert.equal(backup.rows.users, rows.users.size, 'so does a backup of it')
  assert.ok(rows.users.size <= (told.length + CRASH_WRITERS) * 60_000)
  await store.close()
})

test('another process that uses the file is waited for in vain, and is not disturbed', async () => {
  const path = join(await temporaryFolder(), 's.db')
  const child = spawn(process.execPath, [CHILD, path, '1', '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  await assert.rejects(openSqliteStore(path, CRASH_LAYOUT), isError('CONFLICT', /POST \/features/))
  await once(child.stdout, 'data')
  assert.equal(child.exitCode, null)
  child.kill('SIGKILL')
  await closed
  const store = await openSqliteStore(path, CRASH_LAYOUT)
  await store.write([put('users', -1, [1, 2, 3])])
  await store.close()
})
