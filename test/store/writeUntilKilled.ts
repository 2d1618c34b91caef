// Child process of sqliteCrash.test.ts: writes to the store until it is killed, and tells of what was acknowledged, line by line.
import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { put } from './changes.ts'
import { CRASH_LAYOUT, CRASH_WRITERS } from './crashLayout.ts'

const [, , path, round, rows] = process.argv
const store = await openSqliteStore(path, CRASH_LAYOUT)
let next = 0
await Promise.all(
  Array.from({ length: CRASH_WRITERS }, async () => {
    for (;;) {
      const first = next
      next += Number(rows)
      const changes = Array.from({ length: Number(rows) }, (_, k) =>
        put('users', first + k, [first + k, Number(round), first + k]),
      )
      await store.write(changes)
      writeSync(1, `${first}\n`)
    }
  }),
)
