// Child process of sqliteFullDisk.test.ts, in a place with little space: writes until it fails, makes room, writes again.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf, NearrankError } from '../../src/errors.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { put } from './changes.ts'
import { CRASH_LAYOUT } from './crashLayout.ts'
import { startCopy } from './storeCopy.ts'

const [, , place, isReadOnly] = process.argv
const path = join(place, 's.db')
const ballast = join(place, 'ballast')
const CALM_MS = 200 // as short as this, since nobody writes meanwhile
const RECOVERY_MS_MAX = 5000 // the store looks once a second
const failures: string[] = []
const troubles: unknown[] = [] // with the disk full, and with room again before another write

if (isReadOnly !== 'read-only') await writeFile(ballast, new Uint8Array(30_000))
const acknowledged = await writeUntilFailure()
await rm(ballast, { force: true }).catch(() => {})
let kept = -1
if (isReadOnly !== 'read-only') {
  const store = await openSqliteStore(path, CRASH_LAYOUT)
  const { rows, problems } = await startCopy(store)
  kept = [...rows.users.keys()].filter((id) => Number(id) < acknowledged).length
  failures.push(...problems)
  await store.close()
}
process.stdout.write(`${JSON.stringify({ failures, acknowledged, kept, troubles })}\n`)

async function writeUntilFailure(): Promise<number> {
  let done = 0
  try {
    const store = await openSqliteStore(path, { ...CRASH_LAYOUT, calmMs: CALM_MS })
    const write = () =>
      store.write(Array.from({ length: 100 }, (_, k) => put('users', done + k, [done + k, 0, 0])))
    try {
      for (; done < 1e6; done += 100) await write()
    } catch (error) {
      failures.push(told(error))
      troubles.push(store.status().troubles)
      await rm(ballast)
      const limit = performance.now() + RECOVERY_MS_MAX
      while (store.status().troubles !== undefined && performance.now() < limit) await delay(20)
      troubles.push(store.status().troubles)
      // With room again the same open store goes on; under a limit on the file's size it cannot.
      await write().then(
        () => (done += 100),
        (again: unknown) => failures.push(told(again)),
      )
    }
    await store.close()
  } catch (error) {
    failures.push(told(error))
  }
  return done
}

function told(error: unknown): string {
  return `${error instanceof NearrankError ? error.code : 'BUG'} ${messageOf(error)}`
}
