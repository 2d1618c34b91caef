import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { RespClient } from './respClient.ts'
import { noRows, type Rows } from './storeCopy.ts'

const DEADLINE_MS = 30_000
const KEY = /^nearrank:(user|restaurant):(-?\d+)$/

/** What the server holds, as the documentation says how to read it. */
export async function rowsOfServer(client: RespClient): Promise<Rows> {
  const rows = noRows()
  const keys = (await client.send('KEYS', 'nearrank:*')) as string[]
  const replies = await client.sendAll(keys.map((key) => ['HGETALL', key]))
  for (const [i, key] of keys.entries()) {
    const match = KEY.exec(key)
    if (match === null) continue
    const words = replies[i] as string[]
    const fields = new Map<string, string>()
    for (let at = 0; at < words.length; at += 2) fields.set(words[at], words[at + 1])
    const bytes = Buffer.from(fields.get('features') ?? '', 'latin1')
    const bits = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(at * 4))
    const isUser = match[1] === 'user'
    const id = Number(match[2])
    rows[isUser ? 'users' : 'restaurants'].set(id, {
      id,
      bits,
      values: null,
      latitude: isUser ? null : Number(fields.get('latitude')),
      longitude: isUser ? null : Number(fields.get('longitude')),
    })
  }
  return rows
}

/** Waits until `check` throws no more. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  for (;;)
    try {
      await check()
      return
    } catch (error) {
      if (Date.now() > deadlineMs) throw error
      await sleep(5)
    }
}

/** Waits until `rows` are what the server holds. */
export async function sameAsServer(rows: Rows, client: RespClient): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  let expected = await rowsOfServer(client)
  // Not `eventually`: to render how large maps differ takes seconds.
  while (!isDeepStrictEqual(rows, expected) && Date.now() < deadlineMs) {
    await sleep(5)
    expected = await rowsOfServer(client)
  }
  assert.deepEqual(rows, expected)
}

/** The bytes of the field `features`. */
export function featureBytes(...features: number[]): Buffer {
  const bytes = Buffer.alloc(features.length * 4)
  for (const [i, feature] of features.entries()) bytes.writeFloatLE(feature, i * 4)
  return bytes
}
